export {
  ACTIVATIONS,
  type Activation,
  type Backend,
  type BackendOption,
  type BackendTensor,
  BackendUnavailableError,
  type CompactNm,
  type CompactNmg,
  type CompactType,
  type Configuration,
  type CostModel,
  configure,
  type ErrorCode,
  type Explanation,
  js,
  type Nm,
  type Nmg,
  type NmgPattern,
  type NmPattern,
  type NmRecord,
  nm,
  nmg,
  outputRows,
  type QuantiseOptions,
  type ReferenceOptions,
  type RunOptions,
  setCostModel,
  type Tensor,
  type TensorCoreParts,
  tensor,
  transposed,
  type WasmBackend,
  wasm,
  zeros,
} from '@nnz/core'
export type { CsrProblem, CsrTable } from './candidates.ts'
export { COSTS } from './cost-model.ts'
export { kernels } from './kernels/index.ts'
export type { NmKernel } from './kernels/types.ts'
export { nmGemm, nmGemmTransposed, nmLinear, supports } from './operations.ts'
export { type CallOptions, type CandidateOptions, NmDevicePlan, NmPlan, type PlanOptions } from './plan.ts'
export {
  type AnyNmWeights,
  bytes,
  type CompactNmWeights,
  flops,
  type NmOperation,
  type NmProblem,
  type NmWeights,
  nmProblem,
  productShape,
} from './problem.ts'
export { ERROR_FACTOR, reference } from './reference.ts'
