import { type Nm, type Nmg, nm, nmg, tensor } from '@nnz/core'
import {
  type AnyNmWeights,
  kernels,
  type NmKernel,
  type NmProblem,
  nmGemm,
  nmGemmTransposed,
  nmLinear,
  nmProblem,
} from '@nnz/nm-gemm'
import { transposableMask24 } from '@nnz/nm-gemm/training'
import { seededValues } from '../random.ts'
import type { TuneFamily } from './family.ts'
import { productPlan } from './spmm.ts'
import { storing } from './stored.ts'

const SHAPES = [
  [768, 768],
  [3072, 768],
  [768, 3072],
  [256, 64],
  [2048, 2048],
] as const
const PATTERNS = [
  [2, 4, 1],
  [1, 4, 1],
  [2, 4, 2],
  [4, 8, 1],
  [2, 8, 4],
  [1, 16, 1],
] as const
const COLUMNS = [2, 4, 8, 16, 17, 32, 64, 128, 256]
const OPERATIONS = { nmGemm, nmLinear, nmGemmTransposed } as const
const NAMES = ['nmGemm', 'nmLinear', 'nmGemmTransposed'] as const

interface Problem {
  readonly weights: Nm | Nmg
  readonly n: number
}

let drawn: readonly Problem[] | undefined

/** Each shape meets every pattern, with one column and two other numbers of columns in turn. */
function problems(): readonly Problem[] {
  drawn ??= SHAPES.flatMap(([m, k], i) => {
    const dense = seededValues(m * k, 1)
    const kept = PATTERNS.map(([n, of, g]) =>
      g === 1 ? nm.fromDense(dense, [m, k], { n, m: of }) : nmg.fromDense(dense, [m, k], { n, m: of, g }),
    )
    const mask = transposableMask24(tensor(dense, [m, k]))
    return [...kept, nm.fromMasked(dense, mask, [m, k], { n: 2, m: 4 })].flatMap((weights, j) => {
      const columns = [0, 1].map((turn) => COLUMNS[(4 * i + 2 * j + 5 * turn) % COLUMNS.length])
      return [1, ...columns].map((n) => ({ weights, n }))
    })
  })
  return drawn
}

const stored = storing<Nm | Nmg, AnyNmWeights>((w, options) =>
  w.layout === 'nm' ? nm.quantise(w, options) : nmg.quantise(w, options),
)

/** Products with N:M weights, transposed ones too. */
export const nmFamily: TuneFamily<NmKernel, NmProblem> = {
  module: 'packages/nm-gemm/src/cost-model.ts',
  kernels,
  *cases(kernel) {
    for (const { weights: f32, n } of problems()) {
      const weights = stored(f32, kernel.types.weights)
      const operation = NAMES.find((name) => kernel.supports(nmProblem(name, weights, n, 'none')) === true)
      if (operation === undefined) continue
      const problem = nmProblem(operation, weights, n, 'none')
      const { m, k } = problem
      yield {
        problem,
        packed: f32,
        flops: 2 * n * (kernel.dense ? m * k : weights.nnz),
        plan(backend) {
          const plan = OPERATIONS[operation].plan(weights, { columns: n, backend, kernel: kernel.name })
          return productPlan(plan, { m, k, n, tokens: operation === 'nmLinear' }, backend)
        },
      }
    }
  },
}
