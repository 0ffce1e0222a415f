export {
  type Backend,
  type BackendOption,
  type BackendTensor,
  BackendUnavailableError,
  type Configuration,
  type CostModel,
  configure,
  type ErrorCode,
  js,
  setCostModel,
  type Tensor,
  tensor,
  type WasmBackend,
  wasm,
  zeros,
} from '@nnz/core'
export { AttentionPlan, type AttentionResult, type AttentionRunOptions, attention, supports } from './attention.ts'
export {
  AttentionBackwardPlan,
  attentionBackward,
  type BackwardRunOptions,
  type Gradients,
  type Saved,
  type SavedTensors,
} from './backward.ts'
export { COSTS } from './cost-model.ts'
export { type CacheOptions, KeyValueCache, keyValueCache } from './decode/cache.ts'
export { DecodePlan, type DecodePlanOptions, type DecodeRunOptions, decodeAttention } from './decode/decode.ts'
export type { BlockLists, DecodeArguments, DecodeKernel, DecodeProblem } from './decode/problem.ts'
export { attentionKernels, backwardKernels, decodeKernels, kernels } from './kernels/index.ts'
export type {
  AttentionArguments,
  AttentionKernel,
  BackwardArguments,
  BackwardKernel,
  Pattern,
} from './kernels/types.ts'
export { type BlockMask, type BlockMaskParts, FULL, type MaskShape } from './mask/block-mask.ts'
export type { MaskPredicate } from './mask/from.ts'
export { blockMask } from './mask/index.ts'
export type { PictureOptions } from './mask/picture.ts'
export type { Heads } from './operands.ts'
export type { AttentionOptions, AttentionPlanOptions, ExecutionOptions, PatternOptions } from './options.ts'
export type { ButterflyOptions, RandomBlocksOptions } from './patterns/blocks.ts'
export type { CausalOption } from './patterns/causality.ts'
export type { ClusterMembers, ClustersOptions } from './patterns/clusters.ts'
export type { Factor, FixedOptions, StridedOptions } from './patterns/factorised.ts'
export { patterns } from './patterns/index.ts'
export type { BlockDiagonalOptions, GlobalTokensOptions } from './patterns/segments.ts'
export type { PowerOfTwoOptions, SlidingWindowOptions } from './patterns/windows.ts'
export type { AttentionExplanation } from './planned.ts'
export {
  type AttentionProblem,
  type AttentionShape,
  attentionProblem,
  bytes,
  flops,
  LARGEST_HEAD_DIM,
} from './problem.ts'
export type { KeyRanges, Lengths } from './ranges.ts'
export { type ReferenceOptions, reference, referenceBackward } from './reference.ts'
export { type AssignedOptions, type Assignment, assignSelectors } from './selection/assign.ts'
export type { Budget } from './selection/budget.ts'
export type { Selection, SelectionCost, SelectionOptions, Selector } from './selection/call.ts'
export { type BlockAttention, blockAttention, type ExactOptions } from './selection/exact.ts'
export { type FlexibleOptions, type FlexibleSelection, jensenShannon } from './selection/flexible.ts'
export type { GatedOptions, GateSide } from './selection/gated.ts'
export { selection } from './selection/index.ts'
export { type KMeansOptions, OnlineKMeans } from './selection/k-means.ts'
export { keptShare } from './selection/kept-share.ts'
export type { PerEntryOptions } from './selection/per-entry.ts'
export type { PooledOptions } from './selection/pooled.ts'
export { type Pool, type PoolOptions, poolTokens } from './selection/pooling.ts'
export type { RequiredBlocks } from './selection/required.ts'
export { ReusedMask, type ReusedMaskOptions } from './selection/reuse.ts'
export type { StripesOptions } from './selection/stripes.ts'
export { type TokenOrder, type TokenOrderOptions, tokenOrder } from './selection/token-order.ts'
export type { LineOptions, VerticalSlashOptions } from './selection/vertical-slash.ts'
