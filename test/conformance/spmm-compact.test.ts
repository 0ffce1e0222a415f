import { type Backend, bsr, csr, type QuantiseOptions, tensor } from '@nnz/core'
import { kernels, type SpmmKernel, spmmProblem } from '@nnz/spmm'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { Random } from './support/random.ts'
import { sampled } from './support/sampled.ts'
import { blockCases, optionCases, patternCases, sizeCases, updateCases, viewCases } from './support/spmm-cases.ts'
import { applies, type Prepared, prepare, runCase, type SpmmCase, sweep } from './support/spmm-run.ts'
import { claimed, lacking, openBackend, rowsOf } from './support/variant.ts'
import { bsrWeights, csrWeights, PATTERNS } from './support/weights.ts'

// Operands are rounded to their types first: the bounds are those of f32 rows, which sums of whole numbers keep, too. Rows that
// widen while packing differ from f32 rows by a conversion: few cases are enough for them.
const backend: Backend | undefined = lacking() === undefined ? await openBackend() : undefined
const rows = (backend ? rowsOf(kernels, backend) : [])
  .filter(({ types }) => types.weights !== 'f32')
  .map((row) => [row.name, row] as const)

const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)
const TYPES: readonly QuantiseOptions[] = [
  { type: 'bf16' },
  { type: 'i8' },
  { type: 'f16' },
  { type: 'i8', scales: { columns: 8 } },
]

/** Some of the cases, small ones, and of those for one column more: rows of their own run them. */
function some(step: number, cases: SpmmCase[]): SpmmCase[] {
  const small = cases.filter(({ w, n }) => w.shape[0] * w.shape[1] * Math.max(1, n) < 60_000)
  return small
    .filter(({ n }, i) => i % (n <= 1 ? 2 : step) === 0)
    .map((given, i) => ({
      ...given,
      values: TYPES[i % TYPES.length],
      name: `${given.name} ${JSON.stringify(TYPES[i % TYPES.length])}`,
    }))
}

describe.runIf(backend)(`spmm of compact values on ${claimed}`, () => {
  it('has rows to test', () => expect(rows).not.toEqual([]))

  describe.each<[string, () => SpmmCase[]]>([
    ['sizes', () => some(12, sizeCases())],
    ['patterns', () => some(5, patternCases())],
    ['views and residency', () => some(15, viewCases())],
    ['operations, activations, bias, residual, fewer columns than planned', () => some(12, optionCases())],
    ['blocks', () => some(15, blockCases())],
    ['updated values', () => some(3, updateCases())],
  ])('%s', (_, makeCases) => {
    let cases: Prepared[] = []
    beforeAll(() => {
      cases = sampled(makeCases(), 4).map(prepare)
    })

    it.each(rows)('%s', (_name, row: SpmmKernel) => {
      sweep(row, cases, backend!)
    })

    it('leaves no problem without a row', () => {
      const orphans = cases.filter((prepared) => !rows.some(([, row]) => applies(row, prepared)))
      expect(orphans.map(({ given }) => given.name)).toEqual([])
    })
  })

  it.each(rows)(`random problems (NNZ_TEST_SEED=${seed}): %s`, (_name, row: SpmmKernel) => {
    const layout = row.name.startsWith('spmm_csr') ? 'csr' : 'bsr'
    const types = TYPES.filter(({ type }) => (type === 'i8') === (row.types.weights === 'i8'))
    const given = fc.record({
      m: fc.integer({ min: 0, max: 40 }),
      k: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constantFrom(768, 1600)),
      n:
        row.supports({
          ...spmmProblem('spmm', csrWeights([1, 1], 'all dense', 1, new Random(1)), 2, 'none'),
          layout,
          valueType: types[0].type,
        }) === true
          ? fc.integer({ min: 0, max: 70 })
          : fc.integer({ min: 0, max: 1 }),
      density: fc.constantFrom(0.05, 0.3, 1),
      pattern: fc.constantFrom(...PATTERNS),
      values: fc.constantFrom(...types),
      operation: fc.constantFrom('spmm', 'linear'),
      activation: fc.constantFrom('none', 'gelu'),
      bias: fc.boolean(),
      updated: fc.boolean(),
      resident: fc.boolean(),
      seed: fc.nat(),
    })
    fc.assert(
      fc.property(given, ({ m, k, density, pattern, ...rest }) => {
        const random = new Random(rest.seed)
        const w =
          layout === 'csr'
            ? csrWeights([m, k], pattern, density, random)
            : bsrWeights([m, k], [1 + random.below(4), 1 + random.below(6)], pattern, density, random)
        const prepared = prepare({ ...rest, name: `${pattern} [${m}, ${k}]`, w } as SpmmCase)
        if (!applies(row, prepared)) return
        const { wrong } = runCase(row, prepared, backend!)
        if (wrong !== undefined) throw new Error(`${row.name}: ${wrong}`)
      }),
      { seed, numRuns: Number(process.env.NNZ_TEST_RUNS ?? 12) },
    )
  })

  it.each(rows.filter(([, { types }]) => types.accumulator === 'i32'))(
    'whole numbers come out exactly, at the ends of the range, too: %s',
    (_name, row: SpmmKernel) => {
      const layout = row.name.startsWith('spmm_csr') ? 'csr' : 'bsr'
      const [m, k] = [9, 1000]
      for (const n of [1, 33]) {
        const random = new Random(n)
        // A scale of 1 on both sides: the largest magnitudes are 127.
        const dense = Float32Array.from({ length: m * k }, (_, i) =>
          i < k || i % k === 0 ? -127 : random.next() < 0.5 ? 0 : random.below(255) - 127,
        )
        const x = Float32Array.from({ length: k * n }, (_, i) => (i < n || i % n === 0 ? 127 : random.below(128)))
        const w =
          layout === 'csr'
            ? csr.quantise(csr.fromDense(dense, [m, k]), { type: 'i8' })
            : bsr.quantise(bsr.fromDense(dense, [m, k], [2, 4]), { type: 'i8' })
        const problem = spmmProblem('spmm', w, n, 'none')
        const packing = row.pack(w, problem, backend!)
        const y = tensor(new Float32Array(m * n), [m, n])
        row.plan(problem, packing, backend!).run({ x: tensor(x, [k, n]), y, bias: undefined, residual: undefined })
        packing.dispose()
        const want = Float32Array.from({ length: m * n }, (_, at) => {
          let sum = 0
          for (let i = 0; i < k; i++) sum += dense[Math.floor(at / n) * k + i] * x[i * n + (at % n)]
          return sum
        })
        expect(y.data).toEqual(want)
        expect(want[0]).toBe(-127 * 127 * k)
      }
    },
  )
})
