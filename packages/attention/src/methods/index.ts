export { attentionWithBias, attentionWithBiasBackward, type BiasSaved } from './bias.ts'
export type { MethodOptions } from './checks.ts'
export { type CompressionOptions, compressTokens, compressTokensBackward } from './compress.ts'
export type { Interactions, PruningOptions } from './context-gate.ts'
export {
  type PrunedGradients,
  type PrunedResult,
  type PrunedSaved,
  prunedAttention,
  prunedAttentionBackward,
} from './context-pruning.ts'
export { type PruningState, type PruningStateOptions, pruningState } from './context-state.ts'
export { type DeltaOptions, deltaCorrection } from './delta.ts'
export { mergeAttention } from './merge.ts'
export { type NosaCache, type NosaOptions, type NosaStep, nosaCache } from './nosa.ts'
export { type NosaBudget, type NosaMaskOptions, nosaMask } from './nosa-selection.ts'
export { type NsaGradients, type NsaResult, type NsaSaved, nsa, nsaBackward } from './nsa.ts'
export type { NsaBranch, NsaOptions, NsaSelection, PerBranch } from './nsa-options.ts'
export { type NsaState, type NsaStateOptions, nsaState } from './nsa-state.ts'
export { overwriteTokens } from './overwrite.ts'
export { type KeyRange, rangeMask } from './ranges.ts'
export { type Attend, type RectifiedDecoder, type RectifiedOptions, rectifiedDecoder } from './rectified.ts'
export { sparseK, sparseKBackward, sparseKThreshold } from './sparse-k.ts'
export {
  type SparseKOptions,
  type SparseKSaved,
  sparseKAttention,
  sparseKAttentionBackward,
} from './sparse-k-attention.ts'
export { type SparseKState, type SparseKStateOptions, sparseKState } from './sparse-k-state.ts'
export { sparseSigmoid, sparseSigmoidSlope } from './sparse-sigmoid.ts'
export { type Extents, type Tiles, tileOrder } from './tiles.ts'
export { gatherTokens, scatterTokens, sliceTokens, type TokenLists } from './tokens.ts'
export {
  type DecodeMethod,
  type MethodFlops,
  methodFlops,
  type PageSelection,
  type PrefillMethod,
  type PrefillOptions,
  trainingFree,
} from './training-free.ts'
export { type VsaOptions, type VsaResult, type VsaSaved, vsa, vsaBackward } from './vsa.ts'
