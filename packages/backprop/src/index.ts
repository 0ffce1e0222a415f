export {
  ACTIVATIONS,
  type Backend,
  type BackendOption,
  type Bsr,
  bsr,
  type Csr,
  csr,
  type Explanation,
  js,
  type Tensor,
  tensor,
  transposed,
  type WasmBackend,
  wasm,
  zeros,
} from '@nnz/core'
export type { Activation, SparseWeights } from '@nnz/spmm'
export { type ActivationBackwardOptions, activationBackward } from './activation/activation-backward.ts'
export { BACKWARD_ACTIVATIONS, type BackwardActivation, slope } from './activation/slopes.ts'
export { linearBackward, spmmBackward } from './backward/backward.ts'
export type { BackwardExplanation } from './backward/explanation.ts'
export type {
  BackwardCallOptions,
  BackwardOptions,
  BackwardOutputs,
  BackwardPlanOptions,
  BackwardRunOptions,
  Gradients,
  Needs,
} from './backward/options.ts'
export { SpmmBackwardPlan } from './backward/plan.ts'
export { type Conv2dBackwardOptions, sparseConv2d, sparseConv2dBackward } from './conv2d/conv2d.ts'
export {
  type Conv2dBackwardPlanOptions,
  type Conv2dBackwardRunOptions,
  type Conv2dExplanation,
  type Conv2dOptions,
  type Conv2dPlanOptions,
  type Conv2dRunOptions,
  SparseConv2dBackwardPlan,
  SparseConv2dPlan,
} from './conv2d/plan.ts'
export { CONV2D_ERROR_FACTOR, conv2dBackwardReference, conv2dReference } from './conv2d/reference.ts'
export { type Conv2dGeometry, type Conv2dShape, conv2dShape, type Pair } from './conv2d/shape.ts'
export { COSTS } from './cost-model.ts'
export {
  denseSparse,
  type ProductCallOptions,
  type ProductOptions,
  type ProductPlanOptions,
  SparseProductPlan,
  sparseDense,
} from './products/products.ts'
export { sddmmKernels } from './sddmm/kernels/index.ts'
export type { SddmmArguments, SddmmKernel } from './sddmm/kernels/types.ts'
export { type SddmmProblem, sddmmBytes, sddmmFlops, sddmmProblem } from './sddmm/problem.ts'
export { SDDMM_ERROR_FACTOR, sddmmReference } from './sddmm/reference.ts'
export { type SddmmOptions, SddmmPlan, type SddmmPlanOptions, type SddmmRunOptions, sddmm } from './sddmm/sddmm.ts'
export { softmaxBackwardKernels, softmaxKernels } from './softmax/kernels.ts'
export {
  type SoftmaxArguments,
  type SoftmaxKernel,
  type SoftmaxProblem,
  softmaxBytes,
  softmaxFlops,
  softmaxProblem,
} from './softmax/problem.ts'
export { softmaxBackwardReference, softmaxReference } from './softmax/reference.ts'
export {
  SoftmaxBackwardPlan,
  type SoftmaxOptions,
  SoftmaxPlan,
  sparseSoftmax,
  sparseSoftmaxBackward,
} from './softmax/softmax.ts'
