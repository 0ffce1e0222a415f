export { type DeltaOptions, deltaCorrection } from './delta.ts'
export { mergeAttention } from './merge.ts'
export { type KeyRange, rangeMask } from './ranges.ts'
export { gatherTokens, scatterTokens, sliceTokens, type TokenLists } from './tokens.ts'
