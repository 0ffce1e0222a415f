import { Tokenizer } from '@huggingface/tokenizers'
import { rangeError } from '@nnz/core'
import { z } from 'zod'

/** Text to the numbers of a vocabulary. */
export interface TextEncoder {
  encode(text: string): number[]
  /** Longer texts are cut after so many tokens; undefined: never. */
  readonly longest?: number | undefined
}

/** Both ways, as generating text needs it. */
export interface TextTokenizer extends TextEncoder {
  /** The text of some tokens, without special ones. */
  decode(tokens: readonly number[]): string
  /** The token that ends a text, where there is one. */
  readonly end: number | undefined
  /** What describes it: the values of a GGUF file's metadata by `GGUF_TOKENIZER`. */
  readonly metadata: Readonly<Record<string, unknown>>
}

/** The keys that describe a tokeniser in the metadata of a GGUF file. */
export const GGUF_TOKENIZER = [
  'tokenizer.ggml.model',
  'tokenizer.ggml.pre',
  'tokenizer.ggml.tokens',
  'tokenizer.ggml.token_type',
  'tokenizer.ggml.merges',
  'tokenizer.ggml.eos_token_id',
] as const

const described = z.looseObject({ model: z.looseObject({ type: z.string() }) })

/** A tokeniser from the text of a `tokenizer.json`, its special tokens included; at most `longest` tokens, the last kept. */
export function tokenizerOf(json: string, file: string, longest: number): TextEncoder {
  let data: unknown
  try {
    data = JSON.parse(json)
  } catch (cause) {
    throw new RangeError(`${file}: expected JSON`, { cause })
  }
  if (!described.safeParse(data).success)
    throw rangeError('NNZ_VALUE', `${file}: expected the description of a tokeniser`)
  const tokenizer = new Tokenizer(data as object, {})
  return {
    longest,
    encode(text) {
      const { ids } = tokenizer.encode(text)
      return ids.length > longest ? [...ids.slice(0, longest - 1), ids[ids.length - 1]] : ids
    },
  }
}

const texts = z.array(z.string())

/** Numbers of `tokenizer.ggml.token_type`: what is written in a text, and what only programs write. */
const CONTROL = 3

/**
 * The tokeniser inside a GGUF file: byte-level pairs as in GPT-2, digits one by one (llama.cpp's `smollm`).
 *
 * @throws RangeError where the file has another kind of tokeniser
 */
export function tokenizerOfGguf(metadata: ReadonlyMap<string, unknown>, file: string): TextTokenizer {
  const kind = `${metadata.get('tokenizer.ggml.model')} ${metadata.get('tokenizer.ggml.pre')}`
  if (kind !== 'gpt2 smollm')
    throw rangeError('NNZ_VALUE', `${file}: expected a tokeniser "gpt2 smollm", got "${kind}"`)
  const tokens = texts.parse(metadata.get('tokenizer.ggml.tokens'))
  const types = z.array(z.number()).parse(metadata.get('tokenizer.ggml.token_type'))
  const special = tokens.map((content, id) => ({ id, content })).filter(({ id }) => types[id] === CONTROL)
  const tokenizer = new Tokenizer(
    {
      version: '1.0',
      added_tokens: special.map((token) => ({
        ...token,
        special: true,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
      })),
      normalizer: null,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Digits', individual_digits: true },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
        ],
      },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: {
        type: 'BPE',
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: texts.parse(metadata.get('tokenizer.ggml.merges')),
      },
    },
    {},
  )
  return {
    encode: (text) => tokenizer.encode(text).ids,
    decode: (ids) => tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    end: z.int().optional().parse(metadata.get('tokenizer.ggml.eos_token_id')),
    metadata: Object.fromEntries(GGUF_TOKENIZER.map((key) => [key, metadata.get(key)])),
  }
}
