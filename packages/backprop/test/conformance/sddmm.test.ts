import { runsOn, type Tensor, tensor, transposed, type WasmBackend } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { forEachEntry } from '../../src/entries.ts'
import { SDDMM_ERROR_FACTOR, sddmm, sddmmKernels, sddmmProblem, sddmmReference } from '../../src/index.ts'
import { openBackend } from '../support/backend.ts'
import { deviation, matrix, Random, sampledCases, U } from '../support/problems.ts'

const backend = await openBackend()
const rows = sddmmKernels.filter((kernel) => runsOn(kernel, backend)).map((kernel) => [kernel.name, kernel] as const)
const host = backend.name === 'wasm' ? (backend as WasmBackend) : undefined
const cases = sampledCases()

const absolute = (x: Tensor): Tensor => ({ ...x, shape: x.shape, strides: x.strides, data: x.data.map(Math.abs) })

/** The plain f32 loop: its error is the yardstick. */
function plainLoop(a: Tensor, b: Tensor, w: (typeof cases)[number]['w']): Float32Array {
  const result = new Float32Array(w.values.length)
  forEachEntry(w, (row, column, at) => {
    for (let i = 0; i < a.shape[1]; i++) {
      const product = Math.fround(
        a.data[row * a.strides[0] + i * a.strides[1]] * b.data[i * b.strides[0] + column * b.strides[1]],
      )
      result[at] += product
    }
  })
  return result
}

describe.each(rows)('%s', (_name, kernel) => {
  it('is within the bound of every problem', () => {
    let seen = 0
    for (const { name, w, n, view } of cases) {
      if (kernel.supports(sddmmProblem(w, n)) !== true) continue
      seen++
      const random = new Random(seen)
      const a = matrix([w.shape[0], n], random, view, host)
      const b = transposed(matrix([w.shape[1], n], random, view, host))
      const want = sddmmReference(a, b, w)
      const sizes = sddmmReference(absolute(a), absolute(b), w)
      const plain = plainLoop(a, b, w)
      const loop = Math.max(0, ...want.map((value, i) => (sizes[i] > 0 ? Math.abs(plain[i] - value) / sizes[i] : 0)))
      const factor = Math.max(2 * loop, SDDMM_ERROR_FACTOR * U)
      const plan = sddmm.plan(w, { columns: n + (seen % 3) * 9, backend, kernel: kernel.name })
      const got = plan.run(a, b)
      expect(
        deviation(got, want, (i) => factor * sizes[i]),
        name,
      ).toBeUndefined()
      // Twice into one array.
      const again = plan.run(a, b, { out: got.slice(), accumulate: true })
      expect(
        deviation(
          again,
          want.map((value) => 2 * value),
          (i) => 2 * (factor + U) * sizes[i],
        ),
        `${name}, added`,
      ).toBeUndefined()
      plan.dispose()
    }
    expect(seen).toBeGreaterThan(20)
  })

  it('scales by the values of the pattern, old and new', () => {
    for (const { name, w, n, view } of cases.filter((_, i) => i % 4 === 0)) {
      if (kernel.supports(sddmmProblem(w, n)) !== true) continue
      const random = new Random(n)
      const a = matrix([w.shape[0], n], random, view, host)
      const b = transposed(matrix([w.shape[1], n], random, view, host))
      const plan = sddmm.plan(w, { columns: n, backend, kernel: kernel.name, scaleByValues: true })
      const close = (got: Float32Array, scale: Float32Array, what: string) => {
        const want = sddmmReference(a, b, w, scale)
        const sizes = sddmmReference(absolute(a), absolute(b), w, scale.map(Math.abs))
        expect(
          deviation(got, want, (i) => 16 * U * sizes[i]),
          `${name}, ${what}`,
        ).toBeUndefined()
      }
      close(plan.run(a, b), w.values, 'old')
      const values = w.values.map((_, i) => Math.cos(i))
      plan.updateValues(values)
      close(plan.run(a, b), values, 'new')
      plan.dispose()
    }
  })

  it('multiplies nothing but the entries', () => {
    const layout = kernel.name.includes('_bsr_') ? 'bsr' : 'csr'
    const { w } = cases.find((given) => given.w.layout === layout && given.w.nnz > 20 && given.w.shape[0] > 10)!
    const random = new Random(3)
    const a = matrix([w.shape[0], 9], random, 'rows')
    const b = transposed(matrix([w.shape[1], 9], random, 'rows'))
    a.data[0] = Number.NaN
    const got = sddmm(a, b, w, { backend, kernel: kernel.name }).values
    forEachEntry(w, (row, _column, at) => expect(Number.isNaN(got[at])).toBe(row === 0))
  })
})

it('gives the same bits on any number of threads', async () => {
  if (!host) return
  const random = new Random(11)
  const { wasm } = await import('@nnz/core')
  for (const layout of ['csr', 'bsr']) {
    const { w } = cases.filter((given) => given.w.layout === layout).sort((x, y) => y.w.nnz - x.w.nnz)[0]
    const a = matrix([w.shape[0], 50], random, 'rows')
    const b = tensor(matrix([50, w.shape[1]], random, 'rows').data, [50, w.shape[1]])
    const one = sddmm(a, b, w, { backend: await wasm.threads(1) }).values
    expect(sddmm(a, b, w, { backend }).values).toEqual(one)
  }
})
