export {
  type Backend,
  type BackendOption,
  BackendUnavailableError,
  type BackendTensor,
  type Bsr,
  type Configuration,
  type Coo,
  type CostModel,
  type Csc,
  type Csr,
  type ErrorCode,
  type Explanation,
  type Tensor,
  type WasmBackend,
  bsr,
  configure,
  coo,
  csc,
  csr,
  js,
  setCostModel,
  tensor,
  transposed,
  wasm,
  zeros,
} from '@nnz/core'
export { COSTS } from './cost-model.ts'
export { kernels } from './kernels/index.ts'
export type { SpmmArguments, SpmmKernel } from './kernels/types.ts'
export { linear } from './linear.ts'
export { type CallOptions, type OperationOptions, type PlanOptions, type RunOptions, SpmmPlan } from './plan.ts'
export { ACTIVATIONS, type Activation, type SparseWeights, type SpmmProblem, bytes, flops, outputRows, spmmProblem } from './problem.ts'
export { ERROR_FACTOR, type ReferenceOptions, magnitudes, reference } from './reference.ts'
export { spmm, supports } from './spmm.ts'
