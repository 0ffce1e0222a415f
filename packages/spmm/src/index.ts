export {
  ACTIVATIONS,
  type Activation,
  type Backend,
  type BackendOption,
  type BackendTensor,
  BackendUnavailableError,
  type Bsr,
  bsr,
  type CallOptions,
  type CompactBsr,
  type CompactCost,
  type CompactCsr,
  type CompactType,
  type CompactValues,
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
  type OperationOptions,
  outputRows,
  type PlanOptions,
  type QuantiseOptions,
  type ReferenceOptions,
  type RunOptions,
  setCostModel,
  type Tensor,
  tensor,
  transposed,
  type WasmBackend,
  wasm,
  zeros,
} from '@nnz/core'
export { COSTS } from './costs.ts'
export { kernels } from './kernels/index.ts'
export type { F32Kernel, SpmmArguments, SpmmKernel } from './kernels/types.ts'
export { layOutStream, type StreamGeometry, type StreamShape, streamShape } from './kernels/wasm/stream.ts'
export { linear } from './linear.ts'
export { SpmmDevicePlan, SpmmPlan } from './plan.ts'
export {
  type AnyWeights,
  bytes,
  type CompactWeights,
  flops,
  type SparseWeights,
  type SpmmProblem,
  spmmProblem,
} from './problem.ts'
export { ERROR_FACTOR, magnitudes, reference } from './reference.ts'
export { spmm, supports } from './spmm.ts'
