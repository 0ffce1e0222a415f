import { type Nm, type Nmg, nm, nmg } from '@nnz/core'
import { kernels, type NmKernel, type NmProblem, nmGemm, nmLinear, nmProblem } from '@nnz/nm-gemm'
import { seededValues } from '../random.ts'
import type { TuneFamily } from './family.ts'
import { productPlan } from './spmm.ts'

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

interface Problem {
  readonly weights: Nm | Nmg
  readonly n: number
}

let drawn: readonly Problem[] | undefined

/** Each shape meets every pattern, with one column and two other numbers of columns in turn. */
function problems(): readonly Problem[] {
  drawn ??= SHAPES.flatMap(([m, k], i) => {
    const dense = seededValues(m * k, 1)
    return PATTERNS.flatMap(([n, of, g], j) => {
      const weights =
        g === 1 ? nm.fromDense(dense, [m, k], { n, m: of }) : nmg.fromDense(dense, [m, k], { n, m: of, g })
      const columns = [0, 1].map((turn) => COLUMNS[(4 * i + 2 * j + 5 * turn) % COLUMNS.length])
      return [1, ...columns].map((count) => ({ weights, n: count }))
    })
  })
  return drawn
}

/** Products with N:M weights. */
export const nmFamily: TuneFamily<NmKernel, NmProblem> = {
  module: 'packages/nm-gemm/src/cost-model.ts',
  kernels,
  *cases(kernel) {
    for (const { weights, n } of problems()) {
      const operation = (['nmGemm', 'nmLinear'] as const).find(
        (name) => kernel.supports(nmProblem(name, weights, n, 'none')) === true,
      )
      if (operation === undefined) continue
      const [m, k] = weights.shape
      yield {
        problem: nmProblem(operation, weights, n, 'none'),
        packed: weights,
        flops: 2 * n * (kernel.dense ? m * k : weights.nnz),
        plan(backend) {
          const plan = (operation === 'nmGemm' ? nmGemm : nmLinear).plan(weights, {
            columns: n,
            backend,
            kernel: kernel.name,
          })
          return productPlan(plan, { m, k, n, tokens: operation === 'nmLinear' }, backend)
        },
      }
    }
  },
}
