export { configOfGguf, type DecoderConfig } from './decoder/config.ts'
export {
  cutWindows,
  Decoder,
  type DecoderMemory,
  type GenerateOptions,
  type LoadDecoderOptions,
} from './decoder/decoder.ts'
export type { DecoderFile } from './decoder/load.ts'
export type { SamplingOptions } from './decoder/sampling.ts'
export type { DecoderSession } from './decoder/session.ts'
export { LinearPart } from './decoder/stacked-linear.ts'
export type { EncoderConfig, EncoderDescription } from './encoder/config.ts'
export { Encoder, type EncoderMemory, type LoadEncoderOptions, type ReadEncoderOptions } from './encoder/encoder.ts'
export { kernels } from './encoder/kernels/index.ts'
export type { EncoderKernel } from './encoder/kernels/types.ts'
export type { EncoderFiles } from './encoder/load.ts'
export type { AttentionInputs, Hooks } from './hooks.ts'
export { type TextEncoder, type TextTokenizer, tokenizerOf, tokenizerOfGguf } from './tokenizer.ts'
export type { FloatTensor, WeightSource } from './weights.ts'
