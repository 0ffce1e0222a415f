import { Decoder, Encoder } from '@nnz/models'
import { decoderConfig, decoderWeights, encoderConfig, encoderWeights } from '../../packages/models/test/tiny.ts'

/** Networks of a few random weights. */
export function tinyEncoder(tokens: number): Promise<Encoder> {
  return Encoder.read(encoderWeights(), encoderConfig, tokens)
}

export function tinyDecoder(tokens: number): Promise<Decoder> {
  return Decoder.read(decoderWeights(), decoderConfig, tokens)
}
