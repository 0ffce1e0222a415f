import { VIEWS } from '../../../test/conformance/support/guarded.ts'
import { Random } from '../../../test/conformance/support/random.ts'
import { ACTIVATIONS, type AnyNmWeights, type NmOperation, nm, nmg, type QuantiseOptions } from '../src/index.ts'
import { type Case, type Shape, transposableWeights, weightsOf } from './support.ts'

const random = new Random(24)
const OPERATIONS: readonly NmOperation[] = ['nmGemm', 'nmLinear', 'nmGemmTransposed']

/** The patterns in use, those that divide nothing, and the extremes. */
const PATTERNS: readonly (readonly [number, number])[] = [
  [2, 4],
  [1, 4],
  [3, 4],
  [4, 4],
  [1, 2],
  [1, 1],
  [2, 8],
  [4, 8],
  [1, 8],
  [1, 16],
  [3, 5],
  [7, 32],
  [32, 32],
  [1, 31],
]

/** A case for each product; the transposed one of a smaller share, since it runs on fewer rows of the table. */
function cases(name: string, w: AnyNmWeights, n: number, more: Partial<Case> = {}): Case[] {
  return OPERATIONS.map((operation) => ({ name: `${operation} ${name}, N=${n}`, operation, w, n, ...more }))
}

function named({ shape, n, m, g }: Shape): string {
  return `${n}:${m}${g === undefined ? '' : `:${g}`} ${shape.join('x')}`
}

/** Around tiles and panels: one column less and one more than four, six and eight vectors, and several panels. */
const COLUMNS = [0, 1, 2, 3, 4, 5, 8, 9, 12, 13, 15, 16, 17, 20, 24, 25, 31, 32, 33, 49, 64, 65, 97]
/** Around groups and K blocks: 128, 160, 192, 256, 384, 512. */
const INNER = [0, 1, 2, 3, 4, 5, 7, 8, 31, 33, 127, 128, 129, 193, 257, 385, 513]
/** Around pairs, eights, chunks of 64 and windows of 512 rows. */
const ROWS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 66, 129, 513]

export function sizeCases(): Case[] {
  const of = (given: Shape, n: number) => cases(named(given), weightsOf(given, random), n)
  return [
    ...COLUMNS.flatMap((n, i) => {
      const [a, b] = PATTERNS[i % PATTERNS.length]
      return of({ shape: [13, 37], n: a, m: b, ...(i % 2 === 1 && { g: 1 + (i % 5) }) }, n)
    }),
    ...INNER.flatMap((k, i) => {
      const [a, b] = PATTERNS[(i * 5) % PATTERNS.length]
      return [1, 6, 29].flatMap((n) => of({ shape: [7, k], n: a, m: b }, n))
    }),
    ...ROWS.flatMap((m, i) =>
      [1, 5, 17].flatMap((n, j) => of({ shape: [m, 22], n: 2, m: 4, ...(j > 0 && { g: 1 + (i % 4) }) }, n)),
    ),
    // Several windows, K blocks and panels at once; rows that share nothing, something, everything.
    ...[1, 3, 50].flatMap((n) => [
      ...of({ shape: [521, 401], n: 2, m: 4 }, n),
      ...of({ shape: [67, 1031], n: 1, m: 16, g: 3 }, n),
      ...of({ shape: [133, 300], n: 5, m: 7 }, n),
      // Groups of rows that are larger than a window.
      ...of({ shape: [1101, 9], n: 1, m: 4, g: 601 }, n),
    ]),
  ]
}

export function patternCases(): Case[] {
  return PATTERNS.flatMap(([n, m]) =>
    [undefined, 2, 3, 8].flatMap((g) => {
      const given = { shape: [19, 2 * m + 3] as const, n, m, ...(g !== undefined && { g }) }
      const w = weightsOf(given, random)
      return [1, 14].flatMap((columns) => cases(named(given), w, columns))
    }),
  )
}

/** Masks that are N:M along columns, too, and one that nearly is. */
export function transposableCases(): Case[] {
  return [
    [2, 4],
    [1, 4],
    [3, 8],
    [1, 2],
  ].flatMap(([n, m]) =>
    [1, 7, 16, 40].map((columns) => ({
      name: `transposable ${n}:${m} ${9 * m}x${20 * m}, N=${columns}`,
      operation: 'nmGemmTransposed' as const,
      w: transposableWeights([9 * m, 20 * m], n, m, random),
      n: columns,
      updated: columns === 16,
    })),
  )
}

const SPECIAL = [-0, 1e-40, -1e-45, 1.1754943508222875e-38, 1e36, -3e36, Number.POSITIVE_INFINITY, Number.NaN]

export function specialCases(): Case[] {
  const [m, k] = [18, 26]
  const dense = Float32Array.from({ length: m * k }, () => random.value())
  const weights = [nm.fromDense(dense, [m, k], { n: 2, m: 4 }), nmg.fromDense(dense, [m, k], { n: 3, m: 8, g: 3 })]
  return weights.flatMap((w) =>
    SPECIAL.flatMap((special) =>
      [1, 4, 17].flatMap((n) => {
        const x = Float32Array.from({ length: k * n }, (_, i) =>
          Math.floor(i / n) % 6 === i % 3 ? special : random.value(),
        )
        const dy = x.subarray(0, m * n)
        const values = w.values.map((old, i) => (i % 7 === 2 ? special : old))
        const replaced = w.layout === 'nm' ? nm({ ...w, values }) : nmg({ ...w, values })
        return OPERATIONS.flatMap((operation) => {
          const given = { operation, n, x: operation === 'nmGemmTransposed' ? dy : x }
          return [
            { ...given, name: `${operation} ${special} in x, ${w.layout}, N=${n}`, w },
            { ...given, name: `${operation} ${special} in w and x, ${w.layout}, N=${n}`, w: replaced },
          ]
        })
      }),
    ),
  )
}

export function optionCases(): Case[] {
  const given: Shape[] = [
    { shape: [22, 45], n: 2, m: 4 },
    { shape: [22, 45], n: 1, m: 8, g: 2 },
    { shape: [20, 44], n: 2, m: 4, g: 4 },
  ]
  let view = 0
  return given.flatMap((shape) => {
    const w = weightsOf(shape, random)
    return ACTIVATIONS.flatMap((activation, i) =>
      [1, 5, 18, 35].flatMap((n, j) =>
        cases(`${named(shape)} ${activation}`, w, n, {
          activation:
            activation === 'swiglu' && (shape.shape[1] % 2 === 1 || shape.shape[0] % 2 === 1) ? 'silu' : activation,
          columns: n + ((i + j) % 3) * 9,
          bias: (i + j) % 2 === 0,
          residual: (['separate', 'in place', undefined] as const)[(i + j) % 3],
          views: [VIEWS[view++ % 5], VIEWS[(view * 3) % 5], VIEWS[(view * 2) % 5]],
          resident: j % 2 === 1,
          updated: (i + j) % 4 === 1,
        }),
      ),
    )
  })
}

/** Values in compact types; scales of rows, of whole blocks of a kernel, and of what fits no block. */
export function compactCases(): Case[] {
  const options: QuantiseOptions[] = [
    { type: 'f16' },
    { type: 'bf16' },
    { type: 'i8' },
    { type: 'i8', scales: { columns: 32 } },
    { type: 'i8', scales: { columns: 7 } },
  ]
  const given: Shape[] = [
    { shape: [13, 37], n: 2, m: 4 },
    { shape: [17, 98], n: 1, m: 4, g: 2 },
    { shape: [9, 64], n: 1, m: 2 },
    { shape: [10, 75], n: 3, m: 8, g: 3 },
    { shape: [8, 0], n: 2, m: 4 },
    { shape: [70, 130], n: 2, m: 4, g: 1 },
  ]
  return given.flatMap((shape) => {
    const w = weightsOf(shape, random)
    return options
      .flatMap((option, i) => {
        const compact = w.layout === 'nm' ? nm.quantise(w, option) : nmg.quantise(w, option)
        return [1, 5, 18].flatMap((n, j) =>
          cases(`${option.type} ${named(shape)}`, compact, n, {
            updated: (i + j) % 2 === 1,
            bias: j === 1,
            activation: (['none', 'gelu', 'relu'] as const)[(i + j) % 3],
            columns: n + (n > 1 ? (i % 2) * 9 : 0),
            resident: i % 2 === 0,
            views: [VIEWS[(i + j) % 5], VIEWS[(i + 2 * j) % 5], 'rows'],
          }),
        )
      })
      .filter(({ operation, w: { values } }) => operation !== 'nmGemmTransposed' || !('scales' in values))
  })
}
