import { Encoder, type EncoderConfig } from '../src/networks/encoder.ts'
import { RandomWeights } from './networks-plain.ts'

export const encoderConfig: EncoderConfig = {
  vocabulary: 20,
  positions: 12,
  layers: 2,
  heads: 2,
  width: 16,
  innerWidth: 24,
  epsilon: 1e-12,
}

export function encoderWeights(): RandomWeights {
  const { width, innerWidth, vocabulary, positions } = encoderConfig
  const shapes: Record<string, readonly number[]> = {
    'embeddings.word_embeddings.weight': [vocabulary, width],
    'embeddings.position_embeddings.weight': [positions, width],
    'embeddings.token_type_embeddings.weight': [2, width],
  }
  const add = (name: string, weight: readonly number[]) => {
    shapes[`${name}.weight`] = weight
    shapes[`${name}.bias`] = [weight[0]]
  }
  add('embeddings.LayerNorm', [width])
  for (const at of ['encoder.layer.0', 'encoder.layer.1']) {
    for (const part of ['self.query', 'self.key', 'self.value', 'output.dense'])
      add(`${at}.attention.${part}`, [width, width])
    for (const norm of ['attention.output.LayerNorm', 'output.LayerNorm']) add(`${at}.${norm}`, [width])
    add(`${at}.intermediate.dense`, [innerWidth, width])
    add(`${at}.output.dense`, [width, innerWidth])
  }
  return new RandomWeights(shapes)
}

export function tinyEncoder(tokens: number): Promise<Encoder> {
  return Encoder.read(encoderWeights(), encoderConfig, tokens)
}
