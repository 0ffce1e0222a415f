import type { Backend } from '@nnz/core'
import { ACTIVATIONS, kernels, type SpmmKernel } from '@nnz/spmm'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { VIEWS } from './support/guarded.ts'
import { Random } from './support/random.ts'
import { sampled } from './support/sampled.ts'
import {
  blockCases,
  optionCases,
  patternCases,
  sizeCases,
  specialCases,
  updateCases,
  viewCases,
} from './support/spmm-cases.ts'
import { applies, type Prepared, prepare, runCase, type SpmmCase, sweep } from './support/spmm-run.ts'
import { claimed, lacking, openBackend, rowsOf } from './support/variant.ts'
import { bsrWeights, csrWeights, PATTERNS } from './support/weights.ts'

const groups: [string, () => SpmmCase[]][] = [
  ['sizes', sizeCases],
  ['patterns', patternCases],
  ['special values', specialCases],
  ['views and residency', viewCases],
  ['operations, activations, bias, residual, fewer columns than planned', optionCases],
  ['blocks', blockCases],
  ['updated values', updateCases],
]
const backend: Backend | undefined = lacking() === undefined ? await openBackend() : undefined
const rows = (backend ? rowsOf(kernels, backend) : []).map((row) => [row.name, row] as const)
const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)
/** More of them find what is rare: NNZ_TEST_RUNS=5000. */
const RUNS = Number(process.env.NNZ_TEST_RUNS ?? 120)

/** Problems drawn at random; half of them in the layout that the row is for. */
function randomCase(): fc.Arbitrary<SpmmCase> {
  const size = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 70 }) },
    { weight: 1, arbitrary: fc.integer({ min: 71, max: 600 }) },
  )
  return fc
    .record({
      layout: fc.constantFrom('csr', 'bsr'),
      m: size,
      k: size,
      n: fc.integer({ min: 0, max: 70 }),
      spare: fc.constantFrom(0, 0, 0, 1, 9, 80),
      density: fc.constantFrom(0.02, 0.1, 0.3, 0.6, 1),
      pattern: fc.constantFrom(...PATTERNS),
      block: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
      seed: fc.nat(),
      operation: fc.constantFrom('spmm', 'linear'),
      activation: fc.constantFrom(...ACTIVATIONS),
      bias: fc.boolean(),
      residual: fc.constantFrom(undefined, 'separate', 'in place'),
      views: fc.tuple(fc.constantFrom(...VIEWS), fc.constantFrom(...VIEWS), fc.constantFrom(...VIEWS)),
      resident: fc.boolean(),
      updated: fc.boolean(),
    })
    .map(({ layout, m, k, n, spare, density, pattern, block, seed: weightsSeed, views, ...rest }) => {
      const random = new Random(weightsSeed)
      const shape = [rest.activation === 'swiglu' ? m + (m % 2) : m, k] as const
      const w =
        layout === 'csr'
          ? csrWeights(shape, pattern, density, random)
          : bsrWeights(shape, block, pattern, density, random)
      const [xView, outView, residualView] = views
      const name = `${layout} ${pattern} [${shape.join(', ')}], N=${n}`
      return { ...rest, name, w, n, columns: n + spare, seed: weightsSeed, xView, outView, residualView }
    })
}

describe.runIf(backend)(`spmm on ${claimed}`, () => {
  it('has rows to test', () => {
    expect(rows).not.toEqual([])
  })

  describe.each(groups)('%s', (_, makeCases) => {
    let cases: Prepared[] = []
    let seen = 0
    beforeAll(() => {
      cases = sampled(makeCases()).map(prepare)
    })

    it.each(rows)('%s', (_name, row: SpmmKernel) => {
      seen += sweep(row, cases, backend!)
    })

    it('leaves no problem without a row', () => {
      const orphans = cases.filter((prepared) => !rows.some(([, row]) => applies(row, prepared)))
      expect(orphans.map(({ given }) => given.name)).toEqual([])
      expect(seen).toBeGreaterThanOrEqual(cases.length)
    })
  })

  it.each(rows)(`random problems (NNZ_TEST_SEED=${seed}): %s`, (_name, row: SpmmKernel) => {
    fc.assert(
      fc.property(randomCase(), (given) => {
        const prepared = prepare(given)
        if (!applies(row, prepared)) return
        const { wrong } = runCase(row, prepared, backend!)
        if (wrong !== undefined) throw new Error(`${row.name} on ${given.name}, seed ${given.seed}: ${wrong}`)
      }),
      { seed, numRuns: RUNS },
    )
  })
})
