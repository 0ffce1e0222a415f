export type { Csr, Tensor } from '@nnz/core'
export * from '../accountants/index.ts'
export * from '../drop-grow/index.ts'
export * from '../masks/index.ts'
export * from '../optimisers/index.ts'
export * from '../schedules/index.ts'
export * from '../selective/index.ts'
export { averageParameters } from './average.ts'
export { initialWeights } from './initial.ts'
export { crossEntropy, type Loss, meanSquaredError, squareHead } from './losses.ts'
export {
  type BackwardOptions,
  everyModule,
  type ForwardOptions,
  isTrained,
  type Module,
  noWork,
  type Work,
} from './module.ts'
export { ActivationModule, type ActivationName, gelu, geluTanh, relu, silu } from './modules/activation.ts'
export { Residual, Sequential } from './modules/containers.ts'
export { Conv2d, type Conv2dOptions, SparseConv2d, type SparseConv2dOptions } from './modules/conv2d.ts'
export { Embedding, type EmbeddingOptions, Positions } from './modules/embedding.ts'
export { LayerNorm } from './modules/layer-norm.ts'
export { Leaf } from './modules/leaf.ts'
export { Linear, type LinearOptions, SparseLinear, type SparseLinearOptions } from './modules/linear.ts'
export { type Channels, LowRankLinear, type LowRankOptions } from './modules/low-rank.ts'
export { type AttentionFunctions, SelfAttention, type SelfAttentionOptions } from './modules/self-attention.ts'
export { Parameter } from './parameter.ts'
export { Random } from './random.ts'
export type { Trained } from './trained.ts'
