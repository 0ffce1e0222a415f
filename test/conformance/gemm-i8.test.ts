import {
  type Backend,
  type CompactDense,
  dense,
  type GemmI8Kernel,
  gemmI8Kernels,
  gemmI8Reference,
  type I8Values,
  isWasm,
  quantiseColumns,
  scaleGroups,
  tensor,
} from '@nnz/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deviation, type Expectation } from './support/expectation.ts'
import { Guarded, VIEWS, type View } from './support/guarded.ts'
import { Random } from './support/random.ts'
import { claimed, lacking, openBackend, rowsOf } from './support/variant.ts'

interface I8Case {
  readonly m: number
  readonly k: number
  readonly n: number
  /** Of the plan; n if left out. */
  readonly columns?: number
  /** Of a group; all if left out. */
  readonly groupColumns?: number
  readonly xView?: View
  readonly outView?: View
  readonly resident?: boolean
  readonly special?: number
}

const backend: Backend | undefined = lacking() === undefined ? await openBackend() : undefined
const rows = (backend ? rowsOf(gemmI8Kernels, backend) : []).map((row) => [row.name, row] as const)
const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)
const RUNS = Number(process.env.NNZ_TEST_RUNS ?? 120)
const U = 2 ** -24

/**
 * Whole numbers are exact, so that an element is off only by the roundings of f32: each sum, its two scales, and the addition
 * of groups.
 */
function expectation(a: CompactDense, x: Float32Array, n: number): Expectation {
  const [m, k] = a.shape
  const { data, scales, groupColumns } = a.values as I8Values
  const groups = scaleGroups(k, groupColumns)
  const quantised = quantiseColumns(tensor(x, [k, n]))
  const bounds = Float64Array.from({ length: m * n }, (_, at) => {
    const row = Math.floor(at / n)
    const column = at % n
    let size = 0
    for (let group = 0; group < groups; group++) {
      let sum = 0
      for (let i = group * groupColumns; i < Math.min(k, (group + 1) * groupColumns); i++)
        sum += data[row * k + i] * (quantised.data[i * n + column] - quantised.zeros[column])
      size += Math.abs(sum) * scales[row * groups + group]
    }
    return (
      (groups + 3) * U * size * quantised.scales[column] +
      (groups + 1) * 2 ** -149 * Math.max(1, quantised.scales[column])
    )
  })
  return { values: gemmI8Reference(a, tensor(x, [k, n])), bounds }
}

function run(row: GemmI8Kernel, given: I8Case): string | undefined {
  const { m, k, n, special, columns = n, groupColumns } = given
  const random = new Random(m * 7919 + k * 31 + n)
  const shift = random.next() - 0.5
  const draw = (length: number, offset: number) =>
    Float32Array.from({ length }, () =>
      special !== undefined && random.next() < 0.03 ? special : random.value() + offset,
    )
  const scales = groupColumns === undefined ? 'row' : { columns: groupColumns }
  const a = dense.quantise(
    dense({ shape: [m, k], values: Float32Array.from({ length: m * k }, () => random.value()) }),
    { type: 'i8', scales },
  )
  const x = draw(k * n, shift)
  const problem = {
    operation: 'gemm',
    m,
    k,
    n: columns,
    orientation: 'columns',
    groupColumns: (a.values as I8Values).groupColumns,
  } as const
  if (row.supports(problem) !== true) return undefined
  const host = given.resident && backend && isWasm(backend) ? backend : undefined
  const matrices = {
    x: new Guarded([k, n], given.xView ?? 'rows', host),
    y: new Guarded([m, n], given.outView ?? 'rows', host),
  }
  const packing = row.pack({ matrix: a }, problem, backend!)
  try {
    const runner = row.plan(problem, packing, backend!)
    runner.run({ x: matrices.x.matrix, y: matrices.y.matrix })
    matrices.x.write(x)
    matrices.y.poison()
    runner.run({ x: matrices.x.matrix, y: matrices.y.matrix })
    const wrong = matrices.y.damage() ?? deviation(matrices.y.read(), expectation(a, x, n), n)
    if (wrong !== undefined) return wrong
    // Other values: they are quantised anew, with scales of their own.
    const other = Float32Array.from({ length: m * k }, () => 3 * random.value())
    packing.updateValues(other)
    runner.run({ x: matrices.x.matrix, y: matrices.y.matrix })
    const updated = dense.quantise(dense({ shape: [m, k], values: other }), { type: 'i8', scales })
    return deviation(matrices.y.read(), expectation(updated, x, n), n)
  } finally {
    packing.dispose()
    for (const matrix of Object.values(matrices)) matrix.dispose()
  }
}

function sizes(): I8Case[] {
  const edges = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 24, 25, 31, 33, 65]
  return [
    ...edges.map((n) => ({ m: 13, k: 19, n })),
    ...edges.flatMap((m) => [1, 7].map((n) => ({ m, k: 21, n }))),
    ...[...edges, 127, 128, 129, 511].flatMap((k) => [1, 9].map((n) => ({ m: 9, k, n }))),
    ...[4, 8, 12, 20, 64, 100].flatMap((groupColumns) => [1, 6].map((n) => ({ m: 11, k: 83, n, groupColumns }))),
    ...[1, 3, 5].map((groupColumns) => ({ m: 3, k: 11, n: 4, groupColumns })),
    { m: 131, k: 521, n: 37 },
    { m: 40, k: 9000, n: 3 },
    ...[0, 1, 5, 16].map((n) => ({ m: 14, k: 30, n, columns: 20 })),
  ]
}

function views(): I8Case[] {
  return [false, true].flatMap((resident) =>
    [1, 7].flatMap((n) =>
      VIEWS.flatMap((xView) => VIEWS.map((outView) => ({ m: 11, k: 37, n, xView, outView, resident }))),
    ),
  )
}

const specials = (): I8Case[] =>
  [0, -0, 1e-40, -1e-45, 3e38, -1e19, Number.POSITIVE_INFINITY, Number.NaN].flatMap((special) =>
    [1, 4, 20].map((n) => ({ m: 18, k: 27, n, special })),
  )

describe.runIf(backend)(`gemm of i8 on ${claimed}`, () => {
  it('has rows to test', () => expect(rows).not.toEqual([]))

  describe.each([
    ['sizes and groups', sizes],
    ['views and residency', views],
    ['special values', specials],
  ] as const)('%s', (_, cases) => {
    it.each(rows)('%s', (_name, row) => {
      const failures = cases()
        .map((given) => [JSON.stringify(given), run(row, given)])
        .filter(([, wrong]) => wrong !== undefined)
      expect(failures.slice(0, 10)).toEqual([])
    })
  })

  it.each(rows)('whole numbers come out exactly, at the ends of the range, too: %s', (_name, row) => {
    for (const [k, n] of [
      [1000, 1],
      [1000, 7],
      [5, 3],
    ]) {
      const m = 9
      const random = new Random(k + n)
      // A scale of 1 on both sides: the largest magnitudes are 127.
      const values = Float32Array.from({ length: m * k }, (_, i) =>
        i % k === 0 || i < k ? -127 : random.below(255) - 127,
      )
      const x = Float32Array.from({ length: k * n }, (_, i) => (i < n || i % n === 0 ? 127 : random.below(128)))
      const a = dense.quantise(dense({ shape: [m, k], values }), { type: 'i8' })
      const problem = { operation: 'gemm', m, k, n, orientation: 'columns', groupColumns: k } as const
      const packing = row.pack({ matrix: a }, problem, backend!)
      const y = tensor(new Float32Array(m * n), [m, n])
      row.plan(problem, packing, backend!).run({ x: tensor(x, [k, n]), y })
      packing.dispose()
      const want = Float32Array.from({ length: m * n }, (_, at) => {
        let sum = 0
        for (let i = 0; i < k; i++) sum += values[Math.floor(at / n) * k + i] * x[i * n + (at % n)]
        return sum
      })
      expect(y.data).toEqual(want)
      expect(Math.abs(want[0])).toBe(127 * 127 * k)
    }
  })

  it.each(rows)(`random problems (NNZ_TEST_SEED=${seed}): %s`, (_name, row) => {
    const size = fc.integer({ min: 0, max: 70 })
    const view = fc.constantFrom(...VIEWS)
    fc.assert(
      fc.property(
        fc.record({
          m: size,
          k: size,
          n: size,
          groupColumns: fc.constantFrom(undefined, 4, 16, 24),
          xView: view,
          outView: view,
          resident: fc.boolean(),
        }),
        (given) => {
          const wrong = run(row, given as I8Case)
          if (wrong !== undefined) throw new Error(`${row.name}: ${wrong}`)
        },
      ),
      { seed, numRuns: RUNS },
    )
  })
})
