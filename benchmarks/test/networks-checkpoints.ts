import { Decoder, type DecoderConfig, Encoder, type EncoderConfig, type WeightSource } from '@nnz/models'
import { decoderConfig, decoderWeights, encoderConfig, encoderWeights } from '../../packages/models/test/tiny.ts'
import type { NetworkTensor } from '../src/baselines/onnx-network.ts'
import type { Checkpoint } from '../src/end-to-end/checkpoints.ts'

/** The tensors of the tiny encoder. */
export async function tinyEncoderCheckpoint(): Promise<Checkpoint<EncoderConfig>> {
  const [source, tensors] = recording(encoderWeights())
  ;(await Encoder.read(source, encoderConfig, 1)).dispose()
  return { config: encoderConfig, tensors }
}

/** The tensors of the tiny decoder. */
export async function tinyDecoderCheckpoint(): Promise<Checkpoint<DecoderConfig>> {
  const [source, tensors] = recording(decoderWeights())
  ;(await Decoder.read(source, decoderConfig, 1)).dispose()
  return { config: decoderConfig, tensors }
}

/** Tensors are drawn when they are first read: what a network reads of them, in its order. */
function recording(source: WeightSource): [WeightSource, ReadonlyMap<string, NetworkTensor>] {
  const tensors = new Map<string, NetworkTensor>()
  const read = async (name: string) => {
    const tensor = await source.read(name)
    tensors.set(name, tensor)
    return tensor
  }
  return [{ read }, tensors]
}
