import { runsOn } from '@nnz/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { VIEWS } from '../../../test/conformance/support/guarded.ts'
import { Random } from '../../../test/conformance/support/random.ts'
import { sampled } from '../../../test/conformance/support/sampled.ts'
import { ACTIVATIONS, kernels, type NmKernel } from '../src/index.ts'
import { compactCases, optionCases, patternCases, sizeCases, specialCases, transposableCases } from './cases.ts'
import {
  applies,
  type Case,
  type Prepared,
  prepare,
  repeated,
  runCase,
  sweep,
  testedBackends,
  transposableWeights,
  weightsOf,
} from './support.ts'

const groups: [string, () => Case[]][] = [
  ['sizes', sizeCases],
  ['patterns', patternCases],
  ['transposable masks', transposableCases],
  ['special values', specialCases],
  ['values in compact types', compactCases],
  ['activations, bias, residual, views, residency, updates, fewer columns than planned', optionCases],
]
const backends = await testedBackends()
const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)
/** More of them find what is rare: NNZ_TEST_RUNS=5000. */
const RUNS = Number(process.env.NNZ_TEST_RUNS ?? 60)

/** Problems drawn at random. */
const randomCase: fc.Arbitrary<Case> = fc
  .record({
    rows: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 40 }) },
      { weight: 1, arbitrary: fc.integer({ min: 41, max: 300 }) },
    ),
    columns: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 70 }) },
      { weight: 1, arbitrary: fc.integer({ min: 71, max: 400 }) },
    ),
    m: fc.oneof(fc.constantFrom(2, 4, 8), fc.integer({ min: 1, max: 32 })),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    g: fc.constantFrom(undefined, undefined, 1, 2, 3, 4, 7),
    n: fc.integer({ min: 0, max: 60 }),
    spare: fc.constantFrom(0, 0, 0, 1, 9, 80),
    regular: fc.boolean(),
    seed: fc.nat(),
    operation: fc.constantFrom('nmGemm', 'nmLinear', 'nmGemmTransposed'),
    activation: fc.constantFrom(...ACTIVATIONS),
    bias: fc.boolean(),
    residual: fc.constantFrom(undefined, 'separate', 'in place'),
    views: fc.tuple(fc.constantFrom(...VIEWS), fc.constantFrom(...VIEWS), fc.constantFrom(...VIEWS)),
    resident: fc.boolean(),
    updated: fc.boolean(),
  })
  .map(({ rows, columns, m, share, g, n, spare, regular, seed: drawn, ...rest }) => {
    const random = new Random(drawn)
    const kept = Math.max(1, Math.round(share * m))
    const even = (extent: number) => (rest.activation === 'swiglu' ? extent + (extent % 2) : extent)
    const shape = [even(rows), even(columns)] as const
    const whole = (extent: number) => Math.ceil(extent / (2 * m)) * 2 * m
    const w = regular
      ? transposableWeights([whole(rows), whole(columns)], kept, m, random)
      : weightsOf({ shape, n: kept, m, ...(g !== undefined && { g }) }, random)
    return { ...rest, name: `${w.layout} ${kept}:${m}:${w.g} ${w.shape.join('x')}, N=${n}`, w, n, columns: n + spare }
  })

describe.each(
  backends.map((backend) => [`${backend.name} ${backend.variant}, threads: ${backend.threads}`, backend] as const),
)('%s', (_, backend) => {
  const rows = kernels
    .filter((kernel) => runsOn(kernel, backend) && !(repeated && kernel.dense))
    .map((row) => [row.name, row] as const)

  describe.each(groups)('%s', (_name, makeCases) => {
    let cases: Prepared[] = []
    const seen = new Set<Prepared>()
    beforeAll(() => {
      cases = sampled(makeCases(), makeCases === compactCases ? 2 : undefined).map(prepare)
    })

    it.each(rows)('%s', (_row, row: NmKernel) => {
      sweep(row, cases, backend)
      for (const prepared of cases) if (applies(row, prepared)) seen.add(prepared)
    })

    it('leaves no problem without a sparse row', () => {
      expect(cases.filter((prepared) => !seen.has(prepared)).map(({ given }) => given.name)).toEqual([])
    })
  })

  it.each(rows)(`random problems (NNZ_TEST_SEED=${seed}): %s`, (_row, row: NmKernel) => {
    fc.assert(
      fc.property(randomCase, (given) => {
        const prepared = prepare(given)
        if (!applies(row, prepared)) return
        const { wrong } = runCase(row, prepared, backend)
        if (wrong !== undefined) throw new Error(`${row.name} on ${given.operation} ${given.name}: ${wrong}`)
      }),
      { seed, numRuns: RUNS },
    )
  })
})
