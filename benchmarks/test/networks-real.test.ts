import { describe, expect, test } from 'vitest'
import { listModels } from '../src/models/index.ts'
import { MINILM, openMiniLm, openSmolLm2, SMOLLM2 } from '../src/networks/open.ts'

const present = new Set(listModels().flatMap((status) => (status.present ? [status.model.name] : [])))

// The models are not part of the repository.
describe.skipIf(!present.has(MINILM))(`${MINILM} (needs nnz-bench models fetch ${MINILM})`, () => {
  test('finds sentences with one meaning more similar than others', async () => {
    const { encoder, tokenizer } = await openMiniLm(64)
    const sentences = ['A man is playing a guitar.', 'Someone plays the guitar.', 'The stock market fell on Monday.']
    expect(tokenizer.encode(sentences[0])).toEqual([101, 1037, 2158, 2003, 2652, 1037, 2858, 1012, 102])
    const { data } = encoder.embed(sentences.map((sentence) => tokenizer.encode(sentence)))
    const cosine = (a: number, b: number) =>
      Array.from({ length: 384 }, (_, i) => data[a * 384 + i] * data[b * 384 + i]).reduce((sum, value) => sum + value)
    expect(cosine(0, 1)).toBeGreaterThan(0.8)
    expect(Math.abs(cosine(0, 2))).toBeLessThan(0.2)
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
