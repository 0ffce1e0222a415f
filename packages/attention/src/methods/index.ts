export { type DeltaOptions, deltaCorrection } from './delta.ts'
export { mergeAttention } from './merge.ts'
export { type KeyRange, rangeMask } from './ranges.ts'
export { sparseK, sparseKBackward, sparseKThreshold } from './sparse-k.ts'
export {
  type SparseKOptions,
  type SparseKSaved,
  sparseKAttention,
  sparseKAttentionBackward,
} from './sparse-k-attention.ts'
export { type SparseKState, type SparseKStateOptions, sparseKState } from './sparse-k-state.ts'
export { gatherTokens, scatterTokens, sliceTokens, type TokenLists } from './tokens.ts'
