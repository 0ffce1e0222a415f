import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSafetensors } from '@nnz/formats/node'

const CONFIG = {
  model_type: 'bert',
  vocab_size: 60,
  max_position_embeddings: 32,
  type_vocab_size: 2,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  hidden_size: 32,
  intermediate_size: 64,
  layer_norm_eps: 1e-12,
  hidden_act: 'gelu',
}

const WORDS = [...'bcdfglmnprst'].flatMap((consonant) => [...'aeiou'].map((vowel) => consonant + vowel))

const TOKENIZER = {
  version: '1.0',
  added_tokens: [],
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: null,
  decoder: null,
  model: {
    type: 'WordPiece',
    unk_token: WORDS[0],
    continuing_subword_prefix: '##',
    vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
    max_input_chars_per_word: 100,
  },
}

/** Numbers around 0 that are the same each time. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state / 2 ** 31 - 1) * 0.3
  })
}

/** Shapes of a BERT checkpoint's tensors, by its names. */
function shapes(): Map<string, readonly number[]> {
  const { hidden_size: width, intermediate_size: inner } = CONFIG
  const result = new Map<string, readonly number[]>([
    ['embeddings.word_embeddings.weight', [CONFIG.vocab_size, width]],
    ['embeddings.position_embeddings.weight', [CONFIG.max_position_embeddings, width]],
    ['embeddings.token_type_embeddings.weight', [2, width]],
  ])
  const add = (name: string, shape: readonly number[]) => {
    result.set(`${name}.weight`, shape)
    result.set(`${name}.bias`, [shape[0]])
  }
  add('embeddings.LayerNorm', [width])
  for (let layer = 0; layer < CONFIG.num_hidden_layers; layer++) {
    const at = `encoder.layer.${layer}`
    for (const part of ['self.query', 'self.key', 'self.value', 'output.dense'])
      add(`${at}.attention.${part}`, [width, width])
    for (const norm of ['attention.output.LayerNorm', 'output.LayerNorm']) add(`${at}.${norm}`, [width])
    add(`${at}.intermediate.dense`, [inner, width])
    add(`${at}.output.dense`, [width, inner])
  }
  return result
}

/** Writes what the guide begins with: `model`, an untrained encoder as encoders are published, and `texts.txt`. */
export async function writeSmallEncoder(folder: string): Promise<void> {
  const model = join(folder, 'model')
  await mkdir(model, { recursive: true })
  await writeFile(join(model, 'config.json'), JSON.stringify(CONFIG))
  await writeFile(join(model, 'tokenizer.json'), JSON.stringify(TOKENIZER))
  const tensors = [...shapes()].map(([name, shape]) => ({ name, shape, dtype: 'F32' as const }))
  const file = await createSafetensors(join(model, 'model.safetensors'), tensors)
  for (const [i, { name, shape }] of tensors.entries()) {
    const count = shape.reduce((a, b) => a * b, 1)
    await file.write(name, name.endsWith('LayerNorm.weight') ? new Float32Array(count).fill(1) : numbers(count, i + 1))
  }
  await file.finish()
  const texts = Array.from({ length: 40 }, (_, line) =>
    Array.from({ length: 12 + (line % 7) }, (_, i) => WORDS[(line * 13 + i * i * 7) % WORDS.length]).join(' '),
  )
  await writeFile(join(folder, 'texts.txt'), `${texts.join('\n')}\n`)
}
