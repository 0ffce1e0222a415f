export type { Backend } from './backends/backend.ts'
export { js } from './backends/js.ts'
export type { KernelSet } from './backends/kernel-set.ts'
export { type BackendOption, expectWasmBackend, isWasm, resolveBackend } from './backends/resolve.ts'
export { type Order, type StagedMatrix, stageInput, stageInputAs, stageOutput } from './backends/staging.ts'
export {
  type KernelObserver,
  type WasmBackend,
  type WasmKernels,
  type WasmVariant,
  wasm,
  wasmSupport,
} from './backends/wasm.ts'
export { balancedRanges, WasmBlock, Workspace } from './backends/workspace.ts'
export type { CompactCost } from './compact/cost.ts'
export { fromBf16Bits, fromF16Bits, toBf16Bits, toF16Bits } from './compact/half.ts'
export {
  type AnyValues,
  type Compact,
  type CompactFunctions,
  compactFunctions,
  isCompact,
  toValues,
} from './compact/layout.ts'
export {
  type CompactType,
  type CompactValues,
  dequantiseValues,
  type HalfValues,
  type I8Values,
  type QuantiseOptions,
  quantiseOptionsOf,
  quantiseValues,
  scaleGroups,
  UNSCALED,
} from './compact/values.ts'
export { type Configuration, configure, type WasmChoice } from './config.ts'
export { deviceDenseCandidate, type HalfProductProblem, supportsHalf } from './device/dense.ts'
export {
  type DeviceBackend,
  type DeviceDtype,
  type DeviceMemory,
  type DeviceTensor,
  expectDevice,
  expectOnDevice,
  isDevice,
  isDeviceTensor,
  type LaunchArguments,
  overlapOnDevice,
} from './device/device.ts'
export {
  type HalfType,
  supportsOnDevice,
  TensorCorePacking,
  tensorCoreRunner,
} from './device/matrix-product.ts'
export { DEVICE_ACTIVATIONS, DEVICE_TYPES } from './device/product-codes.ts'
export {
  type DevicePlanOptions,
  type DeviceProductArguments,
  DeviceProductPlan,
  type DeviceRunOptions,
  deviceRow,
  isDevicePlan,
} from './device/product-plan.ts'
export { registerDispose } from './dispose.ts'
export { BackendUnavailableError, describe, type ErrorCode, rangeError, typeError } from './errors.ts'
export { type WasmFeatures, wasmFeatures } from './features.ts'
export { GEMM_COSTS } from './gemm/costs.ts'
export { type GemmOptions, GemmPlan, type GemmPlanOptions, gemm } from './gemm/gemm.ts'
export { type QuantisedColumns, quantiseColumns, roundedColumns } from './gemm/i8/activations.ts'
export { GEMM_I8_COSTS } from './gemm/i8/costs.ts'
export { prefersPairs } from './gemm/i8/dot.ts'
export { gemmI8Kernels } from './gemm/i8/index.ts'
export { gemmI8Reference } from './gemm/i8/reference.ts'
export { type GemmI8Kernel, type GemmI8Problem, type GemmI8Weights, I8_TYPES } from './gemm/i8/types.ts'
export { gemmKernels } from './gemm/kernels/index.ts'
export type { GemmArguments, GemmKernel, GemmWeights } from './gemm/kernels/types.ts'
export { type GemmProblem, gemmBytes, gemmFlops, type Orientation } from './gemm/problem.ts'
export { gemmReference } from './gemm/reference.ts'
export { type Bsr, type BsrParts, bsr, type CompactBsr } from './layouts/bsr.ts'
export { type Coo, type CooParts, coo } from './layouts/coo.ts'
export { type Csc, type CscParts, csc } from './layouts/csc.ts'
export { type CompactCsr, type Csr, type CsrParts, csr } from './layouts/csr.ts'
export { type CompactDense, type Dense, type DenseParts, dense } from './layouts/dense.ts'
export { ensureChecked, ensureCheckedNm, ensureCheckedValues } from './layouts/ensure-checked.ts'
export { type CompactNm, type Nm, type NmParts, type NmTransposition, nm } from './layouts/nm.ts'
export type { NmRecord } from './layouts/nm-layout.ts'
export { type NmgPattern, type NmPattern, rowEntries } from './layouts/nm-pattern.ts'
export type { TensorCoreParts } from './layouts/nm-tensor-core.ts'
export { type CompactNmg, type Nmg, type NmgParts, nmg } from './layouts/nmg.ts'
export { type WasmMemory, wasmMemory } from './memory/wasm-memory.ts'
export { BucketedPlan, type PlanSpecification } from './plan/bucketed-plan.ts'
export { type CostModel, type KernelCost, setCostModel } from './plan/cost-model.ts'
export { type Candidate, choose, type DispatchOptions, rank } from './plan/dispatch.ts'
export type { BucketExplanation, Explanation } from './plan/explanation.ts'
export {
  F32_TYPES,
  type Kernel,
  type KernelTypes,
  type Packing,
  type Problem,
  type Runner,
  runsOn,
} from './plan/kernel.ts'
export { ACTIVATIONS, type Activation, outputRows } from './product/activation.ts'
export { ConvertedPacking } from './product/converted-packing.ts'
export { type DenseView, denseCandidates } from './product/dense.ts'
export { type DenseI8View, denseI8Candidates, type I8ProductProblem } from './product/dense-i8.ts'
export { type Entries, type EntryView, entriesKernel } from './product/entries-js.ts'
export { createFinish, type Finish } from './product/epilogue-wasm.ts'
export { erf } from './product/erf.ts'
export { i8BlockStarts } from './product/i8-blocks.ts'
export {
  type CallOptions,
  expectOptions,
  type OperationOptions,
  type PlanOptions,
  type RunOptions,
} from './product/options.ts'
export { type PanelKernel, panelRunner } from './product/panels-wasm.ts'
export { ProductPlan, type ProductSpecification } from './product/plan.ts'
export type { ProductArguments, ProductProblem } from './product/problem.ts'
export { finishReference, type ReferenceOptions } from './product/reference.ts'
export { type PackedForm, reorder, StreamPacking } from './product/stream-packing.ts'
export {
  type BackendTensor,
  type Dtype,
  expectMatrix,
  expectOutput,
  expectValues,
  isTensor,
  overlaps,
  rowMajorStrides,
  type Tensor,
  type TensorHost,
  type TensorOptions,
  tensor,
  toFloat32,
  transposed,
  zeros,
} from './tensor.ts'
