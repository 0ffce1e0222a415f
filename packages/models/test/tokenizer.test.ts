import { describe, expect, test } from 'vitest'
import { tokenizerOf, tokenizerOfGguf } from '../src/tokenizer.ts'

describe('tokenisers', () => {
  test('read a tokenizer.json, and cut what is too long before its last token', () => {
    const vocab = Object.fromEntries(['[UNK]', '[CLS]', '[SEP]', 'he', '##llo', 'world'].map((word, id) => [word, id]))
    const json = JSON.stringify({
      added_tokens: [],
      normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: true },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [
          { SpecialToken: { id: '[CLS]', type_id: 0 } },
          { Sequence: { id: 'A', type_id: 0 } },
          { SpecialToken: { id: '[SEP]', type_id: 0 } },
        ],
        pair: [],
        special_tokens: {},
      },
      decoder: null,
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        vocab,
        max_input_chars_per_word: 100,
      },
    })
    expect(tokenizerOf(json, 'tokenizer.json', 9).encode('Hello world?')).toEqual([1, 3, 4, 5, 0, 2])
    expect(tokenizerOf(json, 'tokenizer.json', 4).encode('Hello world?')).toEqual([1, 3, 4, 2])
    expect(() => tokenizerOf('{', 'tokenizer.json', 4)).toThrow('tokenizer.json: expected JSON')
    expect(() => tokenizerOf('{}', 'tokenizer.json', 4)).toThrow('expected the description of a tokeniser')
  })

  test('read what a GGUF file holds: byte-level pairs, digits one by one', () => {
    const metadata = new Map(
      Object.entries({
        'tokenizer.ggml.model': 'gpt2',
        'tokenizer.ggml.pre': 'smollm',
        'tokenizer.ggml.tokens': ['<|end|>', 'a', 'b', 'ab', 'Ġ', 'Ġab', '1', '2', '12'],
        'tokenizer.ggml.token_type': [3, 1, 1, 1, 1, 1, 1, 1, 1],
        'tokenizer.ggml.merges': ['a b', 'Ġ ab', '1 2'],
        'tokenizer.ggml.eos_token_id': 0,
      }),
    )
    const tokenizer = tokenizerOfGguf(metadata, 'm.gguf')
    expect(tokenizer.encode('abba ab12<|end|>')).toEqual([3, 2, 1, 5, 6, 7, 0])
    expect(tokenizer.decode([3, 2, 1, 5, 6, 7, 0])).toBe('abba ab12')
    expect(tokenizer.end).toBe(0)
    expect(() => tokenizerOfGguf(new Map(), 'm.gguf')).toThrow('m.gguf: expected a tokeniser "gpt2 smollm"')
  })
})
