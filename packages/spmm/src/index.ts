export {
  type Backend,
  type BackendOption,
  type BackendTensor,
  BackendUnavailableError,
  type Bsr,
  bsr,
  type Configuration,
  type Coo,
  type CostModel,
  type Csc,
  type Csr,
  configure,
  coo,
  csc,
  csr,
  type ErrorCode,
  type Explanation,
  js,
  setCostModel,
  type Tensor,
  tensor,
  transposed,
  type WasmBackend,
  wasm,
  zeros,
} from '@nnz/core'
export { COSTS } from './cost-model.ts'
export { kernels } from './kernels/index.ts'
export type { SpmmArguments, SpmmKernel } from './kernels/types.ts'
export { linear } from './linear.ts'
export { type CallOptions, type OperationOptions, type PlanOptions, type RunOptions, SpmmPlan } from './plan.ts'
export {
  ACTIVATIONS,
  type Activation,
  bytes,
  flops,
  outputRows,
  type SparseWeights,
  type SpmmProblem,
  spmmProblem,
} from './problem.ts'
export { ERROR_FACTOR, magnitudes, type ReferenceOptions, reference } from './reference.ts'
export { spmm, supports } from './spmm.ts'
