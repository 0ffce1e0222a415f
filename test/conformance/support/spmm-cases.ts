import { csr } from '@nnz/core'
import { ACTIVATIONS, type SparseWeights } from '@nnz/spmm'
import { VIEWS } from './guarded.ts'
import { Random } from './random.ts'
import type { SpmmCase } from './spmm-run.ts'
import { bsrWeights, csrWeights, PATTERNS } from './weights.ts'

const random = new Random(20)

/** Around the tiles of all kernels: vectors of 4, groups of 6, 8 and 12 vectors, one column less and one more. */
const COLUMNS = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 19, 23, 24, 25, 31, 32, 33, 43, 44, 45, 47, 48, 49, 53, 63, 64,
  65, 96, 97, 127, 128, 131, 177,
]
/** Around K blocks of 192 and 256, and the prime 521. */
const INNER = [
  0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 63, 64, 65, 127, 191, 192, 193, 255, 256, 257, 383, 384, 385, 511, 512, 513,
  521, 769,
]
/** Around groups of 2, 4, 6 and 8 rows, and windows of 64, 256 and 512. */
const ROWS = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 255, 256, 257, 511, 512, 513,
]

const weights = (m: number, k: number, density = 0.3) => csrWeights([m, k], 'random', density, random)

export function sizeCases(): SpmmCase[] {
  return [
    ...COLUMNS.map((n) => ({ name: `columns 13x37, N=${n}`, w: weights(13, 37), n })),
    ...INNER.flatMap((k) => [1, 4, 19, 48].map((n) => ({ name: `inner 9x${k}, N=${n}`, w: weights(9, k), n }))),
    ...ROWS.flatMap((m) => [1, 5, 17].map((n) => ({ name: `rows ${m}x29, N=${n}`, w: weights(m, 29), n }))),
    // Several tiles along every axis at once.
    ...[1, 3, 16, 50, 131].map((n) => ({ name: `several 521x769, N=${n}`, w: weights(521, 769, 0.05), n })),
    // Where 16-bit indices, and 16-bit byte offsets, end.
    ...[16383, 16384, 16385, 65535, 65536, 65537].flatMap((k) =>
      [1, 3].map((n) => ({ name: `wide 5x${k}, N=${n}`, w: csrWeights([5, k], 'corners', 1, random), n })),
    ),
    ...[1, 2, 17].map((n) => ({
      name: `wide random 6x70001, N=${n}`,
      w: csrWeights([6, 70001], 'random', 0.001, random),
      n,
    })),
  ]
}

export function patternCases(): SpmmCase[] {
  return PATTERNS.flatMap((pattern) =>
    [1, 4, 16, 21, 48].map((n) => ({
      name: `${pattern} 67x300, N=${n}`,
      w: csrWeights([67, 300], pattern, 0.1, random),
      n,
    })),
  )
}

const SPECIAL = [
  -0,
  1e-40,
  -1e-45,
  1.1754943508222875e-38,
  1e38,
  -3e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
]

/** The pattern of `w` with some values replaced. */
function withValues(w: ReturnType<typeof csr>, value: (entry: number, old: number) => number): SparseWeights {
  return csr({ ...w, values: w.values.map((old, entry) => value(entry, old)) })
}

export function specialCases(): SpmmCase[] {
  const cases: SpmmCase[] = []
  const [m, k] = [21, 40]
  // Rows 1, 4, 7, … alone have entries, and no row has one in the first and the last column.
  const dense = new Float32Array(m * k)
  for (let i = 0; i < dense.length; i++) {
    const column = i % k
    if (Math.floor(i / k) % 3 === 1 && column > 0 && column < k - 1 && random.next() < 0.4) dense[i] = random.value()
  }
  const sparse = csr.fromDense(dense, [m, k])
  for (const special of SPECIAL) {
    for (const n of [1, 4, 17]) {
      const x = Float32Array.from({ length: k * n }, () => random.value())
      for (let j = 0; j < n; j++) {
        x[j] = special
        x[(k - 1) * n + j] = special
        x[(5 + (j % 9)) * n + j] = special
      }
      cases.push({ name: `${special} in x 21x40, N=${n}`, w: sparse, n, x })
      cases.push({
        name: `${special} in w 21x40, N=${n}`,
        w: withValues(sparse, (entry, old) => (entry % 11 === 3 ? special : old)),
        n,
      })
      cases.push({
        name: `${special} in w and x 21x40, N=${n}`,
        w: withValues(sparse, (entry, old) => (entry % 7 === 2 ? special : old)),
        n,
        x,
      })
      for (const activation of ACTIVATIONS) {
        if (activation === 'swiglu' || (Math.abs(special) > 1e30 && Number.isFinite(special))) continue
        cases.push({ name: `${special} in x, ${activation}, N=${n}`, w: sparse, n, x, activation })
      }
    }
  }
  for (const n of [1, 4, 17]) {
    cases.push({
      name: `denormals only, N=${n}`,
      w: withValues(sparse, () => 2 ** -75),
      n,
      x: new Float32Array(k * n).fill(2 ** -70),
    })
    cases.push({ name: `stored zeros, N=${n}`, w: withValues(sparse, (entry) => (entry % 2 ? 0 : -0)), n })
  }
  return cases
}

export function viewCases(): SpmmCase[] {
  const cases: SpmmCase[] = []
  const w = weights(23, 41)
  for (const resident of [false, true]) {
    for (const n of [1, 7, 18]) {
      const where = `${resident ? 'resident' : 'heap'}, N=${n}`
      for (const xView of VIEWS)
        for (const outView of VIEWS)
          cases.push({ name: `x ${xView}, out ${outView}, ${where}`, w, n, xView, outView, resident })
      for (const residualView of VIEWS) {
        cases.push({ name: `residual ${residualView}, ${where}`, w, n, residual: 'separate', residualView, resident })
        cases.push({
          name: `in place ${residualView}, ${where}`,
          w,
          n,
          residual: 'in place',
          outView: residualView,
          resident,
          bias: true,
        })
      }
    }
  }
  return cases
}

export function optionCases(): SpmmCase[] {
  const cases: SpmmCase[] = []
  const w = weights(38, 45, 0.4)
  for (const operation of ['spmm', 'linear'] as const) {
    for (const activation of ACTIVATIONS) {
      for (const residual of [undefined, 'separate', 'in place'] as const) {
        for (const bias of [false, true]) {
          for (const n of [1, 3, 19, 50]) {
            const name = `${operation} ${activation}${bias ? ', bias' : ''}${residual ? `, residual ${residual}` : ''}, N=${n}`
            cases.push({ name, operation, w, n, activation, residual, bias })
          }
        }
      }
    }
  }
  // Far from zero on both sides, where an activation's tails and overflow of its exponential show.
  for (const activation of ACTIVATIONS) {
    for (const size of [4, 30, 200]) {
      const x = Float32Array.from({ length: 45 * 9 }, () => size * random.value())
      cases.push({ name: `${activation} of arguments about ${size}`, w, n: 9, x, activation })
    }
  }
  // A plan for more columns than a run brings.
  for (const [n, columns] of [
    [0, 5],
    [1, 4],
    [3, 16],
    [5, 17],
    [16, 48],
    [17, 128],
    [47, 64],
    [1, 200],
    [100, 131],
  ]) {
    for (const operation of ['spmm', 'linear'] as const)
      cases.push({
        name: `${operation} ${n} of ${columns} columns`,
        operation,
        w,
        n,
        columns,
        activation: 'swiglu',
        bias: true,
      })
    cases.push({ name: `plain ${n} of ${columns} columns`, w, n, columns })
  }
  return cases
}

export function blockCases(): SpmmCase[] {
  const cases: SpmmCase[] = []
  for (const blockShape of [
    [1, 1],
    [1, 4],
    [4, 1],
    [8, 4],
    [3, 5],
    [2, 2],
    [16, 16],
    [32, 32],
    [64, 64],
  ] as const) {
    const [r, c] = blockShape
    const name = `blocks of ${r}x${c}`
    const shapes = [
      [3 * r, 4 * c],
      [3 * r + 1, 4 * c - 1],
      [Math.max(1, r - 1), Math.max(1, c - 1)],
      [5 * r + (r >> 1), 7 * c + (c >> 1)],
    ] as const
    for (const shape of shapes) {
      for (const n of [1, 4, 17, 48]) {
        cases.push({
          name: `${name}, ${shape.join('x')}, N=${n}`,
          w: bsrWeights(shape, blockShape, 'random', 0.5, random),
          n,
        })
      }
    }
    for (const pattern of PATTERNS) {
      cases.push({
        name: `${name}, ${pattern}, N=9`,
        w: bsrWeights([6 * r + 1, 5 * c + 1], blockShape, pattern, 0.4, random),
        n: 9,
      })
    }
    for (const activation of ACTIVATIONS) {
      const w = bsrWeights([4 * r - (r > 1 && r % 2 === 0 ? 2 : 0), 5 * c], blockShape, 'random', 0.4, random)
      if (w.shape[0] % 2 === 1) continue
      for (const operation of ['spmm', 'linear'] as const) {
        cases.push({
          name: `${name}, ${operation} ${activation}`,
          operation,
          w,
          n: 11,
          activation,
          bias: true,
          residual: 'separate',
        })
      }
    }
    cases.push({ name: `${name}, no rows`, w: bsrWeights([0, 3 * c], blockShape, 'random', 0.5, random), n: 5 })
    cases.push({ name: `${name}, no columns`, w: bsrWeights([2 * r, 0], blockShape, 'random', 0.5, random), n: 5 })
    const edge = bsrWeights([5 * r + 1, 5 * c - (c > 1 ? 1 : 0)], blockShape, 'random', 0.5, random)
    const x = Float32Array.from({ length: edge.shape[1] * 5 }, () => random.value())
    x.fill(Number.NaN, 0, 5)
    x.fill(Number.POSITIVE_INFINITY, x.length - 5)
    cases.push({ name: `${name}, NaN and infinity in x`, w: edge, n: 5, x })
    for (const resident of [false, true])
      for (const xView of VIEWS)
        cases.push({
          name: `${name}, x ${xView}, resident ${resident}`,
          w: edge,
          n: 6,
          xView,
          outView: xView,
          resident,
        })
  }
  return cases
}

export function updateCases(): SpmmCase[] {
  const layouts = PATTERNS.flatMap((pattern) => [
    { name: `csr ${pattern}`, w: csrWeights([70, 301], pattern, 0.1, random) },
    ...(
      [
        [1, 4],
        [3, 5],
        [4, 4],
        [16, 16],
        [32, 32],
      ] as const
    ).map((block) => ({
      name: `blocks of ${block.join('x')} ${pattern}`,
      w: bsrWeights([70, 301], block, pattern, 0.2, random),
    })),
  ])
  return layouts.flatMap(({ name, w }) => [1, 5, 48].map((n) => ({ name: `${name}, N=${n}`, w, n, updated: true })))
}
