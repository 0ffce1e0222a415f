import { expect, test } from 'vitest'
import { type CompactNm, type Nmg, nm, nmGemm, nmg, tensor } from '../src/index.ts'
import { load, save } from '../src/storage.ts'

test('weights read from a file multiply as those that were saved', () => {
  const data = Float32Array.from({ length: 8 * 22 }, (_, i) => Math.sin(i + 1))
  const x = tensor(
    Float32Array.from({ length: 22 * 3 }, (_, i) => Math.cos(i)),
    [22, 3],
  )
  const saved = {
    small: nm.quantise(nm.fromDense(data, [8, 22], { n: 2, m: 4 }), { type: 'i8', scales: { columns: 8 } }),
    grouped: nmg.fromDense(data, [8, 22], { n: 1, m: 8, g: 4 }),
  }
  const { weights } = load(save(saved))
  expect(nmGemm(weights.get('small') as CompactNm, x).data).toEqual(nmGemm(saved.small, x).data)
  expect(nmGemm(weights.get('grouped') as Nmg, x).data).toEqual(nmGemm(saved.grouped, x).data)
})

test('an infinite activation makes its column NaN with i8 weights, and no other', () => {
  const w = nm.quantise(nm.fromDense([1, 0, 0, 2, 0, 3, 4, 0], [2, 4], { n: 2, m: 4 }), { type: 'i8' })
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    // Column 0 of w is stored in the first row only.
    const y = nmGemm(w, tensor([value, 1, 1, 1, 1, 1, 1, 1], [4, 2])).data
    expect([y[0], y[2]]).toEqual([Number.NaN, Number.NaN])
    expect([y[1], y[3]].every(Number.isFinite)).toBe(true)
  }
})
