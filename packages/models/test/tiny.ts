import type { DecoderConfig } from '../src/decoder/config.ts'
import type { EncoderConfig } from '../src/encoder/config.ts'
import { RandomWeights } from './plain.ts'

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

/** A tokeniser of twenty words, without special tokens. */
export function tinyTokenizer() {
  const words = [...'bcdfg'].flatMap((consonant) => [...'aeio'].map((vowel) => consonant + vowel))
  return {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordPiece',
      unk_token: words[0],
      continuing_subword_prefix: '##',
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      max_input_chars_per_word: 100,
    },
  }
}

export const decoderConfig: DecoderConfig = {
  vocabulary: 70,
  positions: 100,
  layers: 2,
  heads: 4,
  keyHeads: 2,
  width: 32,
  innerWidth: 40,
  epsilon: 1e-5,
  ropeBase: 1000,
}

export function decoderWeights(): RandomWeights {
  const { width, innerWidth, vocabulary } = decoderConfig
  const shapes: Record<string, readonly number[]> = {
    'token_embd.weight': [vocabulary, width],
    'output_norm.weight': [width],
  }
  for (const at of ['blk.0', 'blk.1']) {
    for (const norm of ['attn_norm', 'ffn_norm']) shapes[`${at}.${norm}.weight`] = [width]
    for (const part of ['attn_q', 'attn_output']) shapes[`${at}.${part}.weight`] = [width, width]
    for (const part of ['attn_k', 'attn_v']) shapes[`${at}.${part}.weight`] = [width / 2, width]
    for (const part of ['ffn_gate', 'ffn_up']) shapes[`${at}.${part}.weight`] = [innerWidth, width]
    shapes[`${at}.ffn_down.weight`] = [width, innerWidth]
  }
  return new RandomWeights(shapes)
}
