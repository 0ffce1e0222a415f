import {
  type CostModel,
  type Dense,
  denseCandidates,
  GEMM_COSTS,
  outputRows,
  type PlanOptions,
  ProductPlan,
  type ProductProblem,
} from '@nnz/core'

const CONTRACT = 'dense_f32'

// Panels of columns write a product that would have to be transposed: costs of that are not part of their model.
const kernels = denseCandidates<ProductProblem, Dense>({
  operation: 'linear',
  contract: CONTRACT,
  supports: () => true,
  toDense: (w, values) => values ?? w.values,
}).filter(({ backend, variant }) => backend !== 'wasm' || !variant.endsWith('_panels_dense'))

const costs: CostModel = Object.fromEntries(
  Object.entries(GEMM_COSTS).map(([name, cost]) => [`${name.replace('gemm_f32', CONTRACT)}_dense`, cost]),
)

/** A dense linear layer, token-major, with what follows it in the same pass: the dense kernels that sparse plans fall back to. */
export function denseLinear(w: Dense, options: PlanOptions): ProductPlan<ProductProblem, Dense> {
  const [m, k] = w.shape
  return new ProductPlan(
    {
      operation: 'linear',
      weights: w,
      shape: w.shape,
      valueCount: w.nnz,
      orientation: 'tokens',
      kernels,
      costs,
      problem: (n, activation) => ({ operation: 'linear', m, k, n, orientation: 'tokens', activation }),
      flops: ({ n }) => 2 * m * k * n,
      bytes: (problem) => 4 * (m * k + k * problem.n + outputRows(problem) * problem.n),
    },
    options,
  )
}
