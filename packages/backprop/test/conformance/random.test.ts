import { csr, type Tensor, tensor, transposed, wasm } from '@nnz/core'
import { magnitudes, reference } from '@nnz/spmm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bsrWeights, csrWeights, PATTERNS } from '../../../../test/conformance/support/weights.ts'
import { sddmmReference, spmmBackward } from '../../src/index.ts'
import { openBackend } from '../support/backend.ts'
import { deviation, matrix, Random, U } from '../support/problems.ts'

const backend = await openBackend()
const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)
const RUNS = Number(process.env.NNZ_TEST_RUNS ?? 60)
const absolute = (x: Tensor): Tensor => ({ ...x, shape: x.shape, strides: x.strides, data: x.data.map(Math.abs) })

const problem = fc.record({
  layout: fc.constantFrom('csr', 'bsr'),
  m: fc.integer({ min: 0, max: 150 }),
  k: fc.integer({ min: 0, max: 150 }),
  n: fc.integer({ min: 0, max: 70 }),
  spare: fc.constantFrom(0, 1, 30),
  density: fc.constantFrom(0.02, 0.1, 0.3, 0.6, 1),
  pattern: fc.constantFrom(...PATTERNS),
  block: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
  view: fc.constantFrom('rows', 'columns', 'padded', 'offset'),
  updated: fc.boolean(),
  weightsSeed: fc.nat(),
})

it(`gives the gradients of random problems (NNZ_TEST_SEED=${seed})`, () => {
  fc.assert(
    fc.property(problem, ({ layout, m, k, n, spare, density, pattern, block, view, updated, weightsSeed }) => {
      const random = new Random(weightsSeed)
      const first =
        layout === 'csr'
          ? csrWeights([m, k], pattern, density, random)
          : bsrWeights([m, k], block, pattern, density, random)
      const [x, dy] = [matrix([k, n], random, view), matrix([m, n], random, view)]
      const plan = spmmBackward.plan(first, { columns: n + spare, backend })
      const w = updated ? { ...first, values: first.values.map((value) => value * 0.5) } : first
      if (updated) plan.updateValues(w.values)
      const { dx, dValues } = plan.run(x, dy)
      plan.dispose()
      const dense = transposeDense(w)
      const sizes = magnitudes(dense, absolute(dy))
      expect(deviation(dx.data, reference(dense, dy), (i) => 16 * U * sizes[i])).toBeUndefined()
      const scale = sddmmReference(absolute(dy), absolute(transposed(x)), first)
      const want = sddmmReference(dy, transposed(x), first)
      expect(deviation(dValues, want, (i) => 16 * U * scale[i])).toBeUndefined()
    }),
    { seed, numRuns: RUNS },
  )
})

/** The transposed matrix as single entries, those of blocks beyond the shape left out. */
function transposeDense(w: Parameters<typeof sddmmReference>[2]) {
  const [m, k] = w.shape
  // Products of ones and the values: what stands where.
  const ones = sddmmReference(
    tensor(new Float32Array(m).fill(1), [m, 1]),
    tensor(new Float32Array(k).fill(1), [1, k]),
    w,
  )
  const [r, c] = w.layout === 'bsr' ? w.blockShape : [1, 1]
  const entries: [row: number, column: number, value: number][] = []
  for (let group = 0; group < w.rowOffsets.length - 1; group++) {
    for (let entry = w.rowOffsets[group]; entry < w.rowOffsets[group + 1]; entry++) {
      for (let i = 0; i < r * c; i++) {
        const at = entry * r * c + i
        if (ones[at] === 1)
          entries.push([w.columnIndices[entry] * c + (i % c), group * r + Math.floor(i / c), w.values[at]])
      }
    }
  }
  entries.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const rowOffsets = new Uint32Array(k + 1)
  for (const [row] of entries) rowOffsets[row + 1]++
  for (let i = 0; i < k; i++) rowOffsets[i + 1] += rowOffsets[i]
  return csr({
    shape: [k, m],
    rowOffsets,
    columnIndices: entries.map(([, column]) => column),
    values: entries.map(([, , value]) => value),
  })
}

it('gives the same bits on any number of threads', async () => {
  if (backend.name !== 'wasm') return
  const random = new Random(41)
  const one = await wasm.threads(1)
  const needs = { dBias: true }
  for (const w of [
    csrWeights([700, 300], 'random', 0.1, random),
    bsrWeights([128, 96], [8, 8], 'random', 0.4, random),
  ]) {
    const [m, k] = w.shape
    for (const view of ['rows', 'columns'] as const) {
      const [x, dy, preActivation] = [
        matrix([k, 65], random, view),
        matrix([m, 65], random, view),
        matrix([m, 65], random, view),
      ]
      const plans = [backend, one].map((where) => {
        const plan = spmmBackward.plan(w, { columns: 65, backend: where, activation: 'gelu', needs })
        plan.updateValues(w.values.map((value) => value * 3))
        const got = plan.run(x, dy, { preActivation })
        plan.dispose()
        return [got.dx.data, got.dValues, got.dBias]
      })
      expect(plans[0]).toEqual(plans[1])
    }
  }
})
