import { patterns } from '@nnz/attention'
import { describe, expect, test } from 'vitest'
import { Decoder } from '../src/networks/decoder.ts'
import { Encoder } from '../src/networks/encoder.ts'
import { perplexity, readSentencePairs, similarityScore } from '../src/networks/scores.ts'
import { tokenizerOf, tokenizerOfGguf } from '../src/networks/tokenizer.ts'
import { plainEncoder, plainSurprise } from './networks-plain.ts'
import { decoderConfig, decoderWeights, encoderConfig, encoderWeights } from './networks-tiny.ts'

const sequences = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3]]

describe('the encoder', () => {
  test('computes what plain loops compute, each packed sequence apart', async () => {
    const weights = encoderWeights()
    const encoder = await Encoder.read(weights, encoderConfig, 32)
    const { data } = encoder.run(sequences)
    const expected = sequences.flatMap((sequence) => plainEncoder(weights, encoderConfig, sequence)).flat()
    expect(data).toHaveLength(expected.length)
    for (let i = 0; i < expected.length; i++) expect(data[i]).toBeCloseTo(expected[i], 4)
    encoder.dispose()
  })

  test('embeds each sequence as the normalised mean of its states', async () => {
    const encoder = await Encoder.read(encoderWeights(), encoderConfig, 32)
    const { data, shape } = encoder.embed(sequences)
    expect(shape).toEqual([3, 16])
    const states = encoder.run([sequences[2]]).data
    const sums = Array.from({ length: 16 }, (_, i) => states.reduce((sum, v, j) => sum + (j % 16 === i ? v : 0), 0))
    for (let i = 0; i < 16; i++) expect(data[32 + i]).toBeCloseTo(sums[i] / Math.hypot(...sums), 5)
    encoder.dispose()
  })

  test('tells hooks the inputs of every linear layer and the heads of every attention', async () => {
    const encoder = await Encoder.read(encoderWeights(), encoderConfig, 32)
    const seen: string[] = []
    encoder.run(sequences, {
      linear: (name, { shape }) => seen.push(`${name} ${shape}`),
      attention: (layer, { q, k, v, sequenceOffsets, causal }) => {
        seen.push(`attention ${layer} ${q.shape} ${k.shape} ${v.shape} ${sequenceOffsets} ${causal}`)
        return undefined
      },
    })
    expect(seen).toHaveLength(14)
    expect(seen[0]).toBe('encoder.layer.0.attention.self.query 18,16')
    expect(seen[3]).toBe('attention 0 2,18,8 2,18,8 2,18,8 0,5,6,18 false')
    expect(seen.at(-1)).toBe('encoder.layer.1.output.dense 18,24')
    expect(encoder.linearLayers.map(({ name }) => name)).toEqual(
      seen.filter((text) => text.startsWith('encoder')).map((text) => text.split(' ')[0]),
    )
    encoder.dispose()
  })

  test('computes with the weights that it is given', async () => {
    const encoder = await Encoder.read(encoderWeights(), encoderConfig, 32)
    const before = encoder.run(sequences).data
    for (const layer of encoder.linearLayers) layer.useWeights(new Float32Array(layer.weights.length))
    const zeroed = encoder.run(sequences).data
    for (const layer of encoder.linearLayers) layer.useWeights(layer.weights)
    expect(zeroed).not.toEqual(before)
    expect(encoder.run(sequences).data).toEqual(before)
    encoder.dispose()
  })

  test('refuses sequences and tensors that do not fit', async () => {
    const encoder = await Encoder.read(encoderWeights(), encoderConfig, 32)
    expect(() => encoder.run([[20]])).toThrow('sequence 0: expected tokens in 0..19, got 20')
    expect(() => encoder.run([[1], Array(13).fill(1)])).toThrow('sequence 1 has 13 tokens, expected at most 12')
    encoder.dispose()
    await expect(Encoder.read(encoderWeights(), { ...encoderConfig, vocabulary: 21 }, 32)).rejects.toThrow(
      'embeddings.word_embeddings.weight is [20, 16], expected [21, 16]',
    )
  })
})

describe('the decoder', () => {
  test('is as surprised as plain loops are, over several parts of the vocabulary’s product', async () => {
    const weights = decoderWeights()
    const decoder = await Decoder.read(weights, decoderConfig, 80)
    const sequence = Array.from({ length: 75 }, (_, i) => (i * i + 7) % 70)
    const expected = plainSurprise(weights, decoderConfig, sequence)
    expect(Math.abs(decoder.surprise(sequence) - expected)).toBeLessThan(1e-4 * expected)
    expect(perplexity(decoder, [sequence])).toBeCloseTo(Math.exp(expected / 74), 2)
    decoder.dispose()
  })

  test('keeps packed sequences apart, and asks hooks which pairs to compute', async () => {
    const own = patterns.slidingWindow({ blockShape: [4, 4], rows: 12, columns: 12, window: 1 })
    const decoder = await Decoder.read(decoderWeights(), decoderConfig, 80)
    const seen: string[] = []
    const both = decoder.run([sequences[0], sequences[2]], {
      attention: (layer, { q, k, causal }) => {
        seen.push(`${layer} ${q.shape} ${k.shape} ${causal}`)
        return undefined
      },
    }).data
    expect(seen).toEqual(['0 4,17,8 2,17,8 true', '1 4,17,8 2,17,8 true'])
    const alone = decoder.run([sequences[2]]).data
    expect(decoder.run([sequences[2]], { attention: () => own }).data).not.toEqual(alone)
    for (let i = 0; i < alone.length; i++) expect(both[5 * 32 + i]).toBeCloseTo(alone[i], 4)
    decoder.dispose()
  })
})

describe('scores', () => {
  test('sentence pairs', () => {
    const text = 'main\tMSR\t2012\t1\t4.5\tA "man" runs\tA man is running\nmain\tMSR\t2012\t2\t0\tx\ty\textra\n'
    expect(readSentencePairs(text, 'sts.csv')).toEqual([
      { score: 4.5, sentences: ['A "man" runs', 'A man is running'] },
      { score: 0, sentences: ['x', 'y'] },
    ])
    expect(() => readSentencePairs(`${text}main\tMSR\n`, 'sts.csv')).toThrow(
      `sts.csv, offset ${text.length}: expected seven fields with a score of 0 to 5`,
    )
  })

  test('similarity', () => {
    const at = (angle: number) => [Math.cos(angle), Math.sin(angle)]
    const embeddings = Float32Array.from([0, 0.1, 0, 0.5, 0, 1, 0, 1.5].flatMap(at))
    const pairs = [5, 4, 2, 1].map((score) => ({ score, sentences: ['', ''] as const }))
    expect(similarityScore(embeddings, pairs, 2)).toBeCloseTo(100, 6)
    expect(similarityScore(embeddings, pairs.toReversed(), 2)).toBeCloseTo(-100, 6)
  })
})

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
      }),
    )
    const tokenizer = tokenizerOfGguf(metadata, 'm.gguf')
    expect(tokenizer.encode('abba ab12<|end|>')).toEqual([3, 2, 1, 5, 6, 7, 0])
    expect(() => tokenizerOfGguf(new Map(), 'm.gguf')).toThrow('m.gguf: expected a tokeniser "gpt2 smollm"')
  })
})
