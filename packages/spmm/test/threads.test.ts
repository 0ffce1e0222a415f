import { describe, expect, it } from 'vitest'
import { csr, reference, spmm, tensor, wasm } from '../src/index.ts'

describe('threads', () => {
  it.each([
    ['all zero', () => 0],
    ['empty last rows', (row: number) => (row < 10 ? 1 : 0)],
    ['one row with everything', (row: number) => (row === 700 ? 1 : 0)],
    ['every row alike', () => 1],
  ])('divide rows by non-zeros: %s', async (_, stored) => {
    const [m, k, n] = [5000, 64, 33]
    const dense = Float32Array.from({ length: m * k }, (_v, i) => (stored(Math.floor(i / k)) ? (i % 5) - 2 : 0))
    const w = csr.fromDense(dense, [m, k])
    const x = tensor(
      Float32Array.from({ length: k * n }, (_v, i) => (i % 7) - 3),
      [k, n],
    )
    const expected = Float32Array.from(reference(w, x))
    for (const count of [2, 3]) {
      const backend = await wasm.threads(count)
      for (const columns of [1, 4, n]) {
        const narrow = tensor(
          Float32Array.from({ length: k * columns }, (_v, i) => x.data[Math.floor(i / columns) * n + (i % columns)]),
          [k, columns],
        )
        const plan = spmm.plan(w, { columns: n, backend })
        expect(plan.explain().threads).toBe(count)
        const y = plan.run(narrow).data
        expect(y.every((v, i) => v === expected[Math.floor(i / columns) * n + (i % columns)])).toBe(true)
        plan.dispose()
      }
    }
  })
})
