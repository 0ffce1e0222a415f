import {
  type Backend,
  csr,
  type GemmKernel,
  gemmKernels,
  gemmReference,
  isWasm,
  type Orientation,
  tensor,
} from '@nnz/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { deviation, type Expectation, expectation } from './support/expectation.ts'
import { Guarded, VIEWS, type View } from './support/guarded.ts'
import { Random } from './support/random.ts'
import { sampled } from './support/sampled.ts'
import { claimed, lacking, openBackend, rowsOf } from './support/variant.ts'

interface GemmCase {
  readonly m: number
  readonly k: number
  readonly n: number
  readonly columns?: number
  readonly orientation?: Orientation
  readonly aView?: View
  readonly xView?: View
  readonly outView?: View
  readonly resident?: boolean
  /** Written into some elements of a and x. */
  readonly special?: number
}

interface Prepared {
  readonly given: GemmCase
  readonly a: Float32Array
  readonly x: Float32Array
  readonly expected: Expectation
}

const backend: Backend | undefined = lacking() === undefined ? await openBackend() : undefined
const rows = (backend ? rowsOf(gemmKernels, backend) : []).map((row) => [row.name, row] as const)
const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)
/** More of them find what is rare: NNZ_TEST_RUNS=5000. */
const RUNS = Number(process.env.NNZ_TEST_RUNS ?? 120)

function prepare(given: GemmCase): Prepared {
  const { m, k, n, special } = given
  const random = new Random(m * 7919 + k * 31 + n)
  const draw = (length: number) =>
    Float32Array.from({ length }, () => (special !== undefined && random.next() < 0.03 ? special : random.value()))
  const a = draw(m * k)
  const x = draw(k * n)
  // Every element of a stored, so that bounds come from the same loops as those of sparse products.
  const stored = csr({
    shape: [m, k],
    rowOffsets: Uint32Array.from({ length: m + 1 }, (_, row) => row * k),
    columnIndices: Uint32Array.from({ length: m * k }, (_, i) => i % k),
    values: a,
  })
  const { bounds } = expectation(stored, tensor(x, [k, n]))
  return { given, a, x, expected: { bounds, values: gemmReference(tensor(a, [m, k]), tensor(x, [k, n])) } }
}

function run(row: GemmKernel, { given, a, x, expected }: Prepared): string | undefined {
  const { m, k, n, columns = n, orientation = 'columns' } = given
  const natural: View = orientation === 'tokens' ? 'columns' : 'rows'
  const problem = { operation: 'gemm' as const, m, k, n: columns, orientation }
  const host = given.resident && isWasm(backend!) ? backend : undefined
  const matrices = {
    a: new Guarded([m, k], given.aView ?? 'rows', host),
    x: new Guarded([k, n], given.xView ?? natural, host),
    y: new Guarded([m, n], given.outView ?? natural, host),
  }
  matrices.a.write(a)
  const packing = row.pack({ matrix: matrices.a.matrix }, problem, backend!)
  try {
    const runner = row.plan(problem, packing, backend!)
    runner.run({ x: matrices.x.matrix, y: matrices.y.matrix })
    matrices.x.write(x)
    matrices.y.poison()
    runner.run({ x: matrices.x.matrix, y: matrices.y.matrix })
    return matrices.y.damage() ?? deviation(matrices.y.read(), expected, n)
  } finally {
    packing.dispose()
    for (const matrix of Object.values(matrices)) matrix.dispose()
  }
}

function sizes(): GemmCase[] {
  const list: GemmCase[] = []
  const edges = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65, 95, 96, 97,
    131,
  ]
  for (const orientation of ['columns', 'tokens'] as const) {
    for (const n of edges) list.push({ m: 13, k: 19, n, orientation })
    for (const m of edges) for (const n of [1, 5, 33]) list.push({ m, k: 21, n, orientation })
    for (const k of [...edges, 191, 192, 193, 255, 256, 257, 511, 512, 513, 769])
      for (const n of [1, 9, 33]) list.push({ m: 7, k, n, orientation })
    list.push({ m: 131, k: 521, n: 97, orientation })
    for (const [n, columns] of [
      [1, 4],
      [5, 33],
      [16, 17],
      [0, 8],
    ])
      list.push({ m: 14, k: 30, n, columns, orientation })
  }
  return list
}

function views(): GemmCase[] {
  const list: GemmCase[] = []
  for (const resident of [false, true]) {
    for (const n of [1, 6, 21]) {
      for (const xView of VIEWS) for (const outView of VIEWS) list.push({ m: 11, k: 17, n, xView, outView, resident })
      for (const aView of VIEWS) list.push({ m: 11, k: 17, n, aView, resident })
    }
  }
  return list
}

function specials(): GemmCase[] {
  const values = [0, -0, 1e-40, -1e-45, 1e19, Number.POSITIVE_INFINITY, Number.NaN]
  return values.flatMap((special) => [1, 4, 20].map((n) => ({ m: 18, k: 27, n, special })))
}

describe.runIf(backend)(`gemm on ${claimed}`, () => {
  it('has rows to test', () => {
    expect(rows).not.toEqual([])
  })

  describe.each([
    ['sizes', sizes],
    ['views and residency', views],
    ['special values', specials],
  ] as const)('%s', (_, makeCases) => {
    let cases: Prepared[] = []
    beforeAll(() => {
      cases = sampled(makeCases()).map(prepare)
    })

    it.each(rows)('%s', (_name, row: GemmKernel) => {
      const usable = cases.filter(
        ({ given }) =>
          row.supports({ operation: 'gemm', columns: given.n, orientation: 'columns', ...given } as never) === true,
      )
      const failures = usable
        .map((prepared) => [JSON.stringify(prepared.given), run(row, prepared)])
        .filter(([, wrong]) => wrong !== undefined)
      expect(failures.slice(0, 10)).toEqual([])
    })
  })

  it.each(rows)(`random problems (NNZ_TEST_SEED=${seed}): %s`, (_name, row: GemmKernel) => {
    const size = fc.integer({ min: 0, max: 90 })
    const view = fc.constantFrom(...VIEWS)
    fc.assert(
      fc.property(
        fc.record({
          m: size,
          k: size,
          n: size,
          orientation: fc.constantFrom('columns', 'tokens'),
          aView: view,
          xView: view,
          outView: view,
          resident: fc.boolean(),
        }),
        (given) => {
          if (row.supports({ operation: 'gemm', ...given }) !== true) return
          const wrong = run(row, prepare(given))
          if (wrong !== undefined) throw new Error(`${row.name}: ${wrong}`)
        },
      ),
      { seed, numRuns: RUNS },
    )
  })
})
