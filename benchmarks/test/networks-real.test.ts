import { describe, expect, test } from 'vitest'
import { nmEvidence } from '../src/evidence/index.ts'
import { listModels } from '../src/models/index.ts'
import { MINILM, openMiniLm, openSmolLm2, SMOLLM2 } from '../src/networks/open.ts'

const present = new Set(listModels().flatMap((status) => (status.present ? [status.model.name] : [])))

// The models are not part of the repository.
describe.skipIf(!present.has(MINILM))(`${MINILM} (needs nnz-bench models fetch ${MINILM})`, () => {
  test('finds sentences with one meaning more similar than others', async () => {
    const { encoder, tokenizer } = await openMiniLm(64)
    const sentences = ['A man is playing a guitar.', 'Someone plays the guitar.', 'The stock market fell on Monday.']
    expect(tokenizer.encode(sentences[0])).toEqual([101, 1037, 2158, 2003, 2652, 1037, 2858, 1012, 102])
    const { data } = encoder.encodeTokens(sentences.map((sentence) => tokenizer.encode(sentence)))
    const cosine = (a: number, b: number) =>
      Array.from({ length: 384 }, (_, i) => data[a * 384 + i] * data[b * 384 + i]).reduce((sum, value) => sum + value)
    expect(cosine(0, 1)).toBeGreaterThan(0.8)
    expect(Math.abs(cosine(0, 2))).toBeLessThan(0.2)
    encoder.dispose()
  })

  test('loses less where weights are chosen by activations than by magnitude (row 94)', async () => {
    const { encoder, tokenizer } = await openMiniLm(128)
    const text = [
      'The river flows through a valley of old forests before it reaches the sea in the north of the country .',
      'In the spring of that year the company opened its first shop outside the city , and sales rose quickly .',
      'She had studied mathematics in Vienna , where her early work on the theory of numbers was published .',
      'The match ended without a goal , although both teams had several chances in the last ten minutes .',
      'A second edition of the book , with a longer introduction and new maps , appeared three years later .',
      'Heavy rain on the third day forced the engineers to stop work on the bridge until the water fell .',
      'Critics praised the album for its quiet songs , but they found the lyrics hard to understand at times .',
      'The species lives in dry grassland , feeds on seeds and insects , and builds its nest near the ground .',
    ].join('\n')
    const records = nmEvidence({
      model: MINILM,
      encoder,
      tokenizer,
      tokens: 128,
      text: { text, name: 'eight sentences' },
      batches: 1,
      pairs: [0, 1, 2, 5].map((score) => ({ score, sentences: [`number ${score}`, 'number five'] })),
      pairsName: 'numbers',
      patterns: [{ n: 2, m: 4 }],
      whole: [],
    })
    const mean = (method: string) => {
      const errors = records
        .filter((record) => record.method === method)
        .map(({ metrics }) => metrics['relative output error']!)
      expect(errors).toHaveLength(36)
      return errors.reduce((sum, error) => sum + error, 0) / errors.length
    }
    expect(mean('magnitude 2:4')).toBeGreaterThan(0.2)
    expect(mean('magnitude 2:4')).toBeLessThan(0.4)
    expect(mean('wanda 2:4')).toBeLessThan(0.95 * mean('magnitude 2:4'))
    encoder.dispose()
  })
})

describe.skipIf(!present.has(SMOLLM2))(`${SMOLLM2} (needs nnz-bench models fetch ${SMOLLM2})`, () => {
  test('expects what follows', async () => {
    const { decoder, tokenizer } = await openSmolLm2(32)
    const surprise = (text: string) => {
      const tokens = tokenizer.encode(text)
      return decoder.surprise(tokens) / (tokens.length - 1)
    }
    expect(surprise('The capital of France is the city of Paris.')).toBeLessThan(3)
    expect(surprise('Paris the France of of capital city is The.')).toBeGreaterThan(5)
    decoder.dispose()
  })
})
