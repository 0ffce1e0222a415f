import type { Backend, Tensor } from '@nnz/core'
import {
  type AnyWeights,
  bsr,
  csr,
  kernels,
  linear,
  type SparseWeights,
  type SpmmKernel,
  type SpmmProblem,
  spmm,
  spmmProblem,
} from '@nnz/spmm'
import { place, release } from '../runner/kernels.ts'
import type { TuneCase, TuneFamily, TunePlan } from './family.ts'
import { tuneProblems } from './problems.ts'
import { storing } from './stored.ts'

const stored = storing<SparseWeights, AnyWeights>((w, options) =>
  w.layout === 'csr' ? csr.quantise(w, options) : bsr.quantise(w, options),
)

/** Products with unstructured and block-sparse weights, the dense kernels among them. */
export const spmmFamily: TuneFamily<SpmmKernel, SpmmProblem> = {
  module: 'packages/spmm/src/cost-model.ts',
  kernels,
  *cases(kernel) {
    for (const { weights: f32, n } of tuneProblems(kernel.name.includes('_bsr_') ? 'bsr' : 'csr')) {
      const weights = stored(f32, kernel.types.weights)
      const operation = (['spmm', 'linear'] as const).find(
        (name) => kernel.supports(spmmProblem(name, weights, n, 'none')) === true,
      )
      if (operation === undefined) continue
      const [m, k] = weights.shape
      yield {
        problem: spmmProblem(operation, weights, n, 'none'),
        packed: weights,
        flops: 2 * n * (kernel.dense ? m * k : weights.nnz),
        plan(backend) {
          const plan = (operation === 'spmm' ? spmm : linear).plan(weights, {
            columns: n,
            backend,
            kernel: kernel.name,
          })
          return productPlan(plan, { m, k, n, tokens: operation === 'linear' }, backend)
        },
      } satisfies TuneCase<SpmmProblem>
    }
  },
}

/** A product's plan with operands in the backend's memory. */
export function productPlan(
  plan: { run(x: Tensor, options: { out: Tensor }): unknown; dispose(): void },
  { m, k, n, tokens }: { m: number; k: number; n: number; tokens: boolean },
  backend: Backend,
): TunePlan {
  let operands: readonly Tensor[] = []
  return {
    ready() {
      const x = place(tokens ? [n, k] : [k, n], backend, 'resident')
      const out = place(tokens ? [n, m] : [m, n], backend, 'resident')
      operands = [x, out]
      x.data.fill(1)
      return () => {
        plan.run(x, { out })
      }
    },
    dispose() {
      plan.dispose()
      release(...operands)
    },
  }
}
