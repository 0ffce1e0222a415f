import { describe, expect, test } from 'vitest'
import { perplexity, readSentencePairs, similarityScore } from '../src/networks/scores.ts'
import { tinyDecoder } from './networks-tiny.ts'

describe('scores', () => {
  test('sentence pairs', () => {
    const text = 'main\tMSR\t2012\t1\t4.5\tA "man" runs\tA man is running\nmain\tMSR\t2012\t2\t0\tx\ty\textra\n'
    expect(readSentencePairs(text, 'sts.csv')).toEqual([
      { score: 4.5, sentences: ['A "man" runs', 'A man is running'] },
      { score: 0, sentences: ['x', 'y'] },
    ])
    expect(() => readSentencePairs(`${text}main\tMSR\n`, 'sts.csv')).toThrow(
      `sts.csv: at byte ${text.length}: expected seven fields with a score of 0 to 5`,
    )
  })

  test('similarity', () => {
    const at = (angle: number) => [Math.cos(angle), Math.sin(angle)]
    const embeddings = Float32Array.from([0, 0.1, 0, 0.5, 0, 1, 0, 1.5].flatMap(at))
    const pairs = [5, 4, 2, 1].map((score) => ({ score, sentences: ['', ''] as const }))
    expect(similarityScore(embeddings, pairs, 2)).toBeCloseTo(100, 6)
    expect(similarityScore(embeddings, pairs.toReversed(), 2)).toBeCloseTo(-100, 6)
  })

  test('perplexity', async () => {
    const decoder = await tinyDecoder(80)
    const windows = [1, 2].map((factor) => Array.from({ length: 40 }, (_, i) => (factor * i * i + 7) % 70))
    const surprise = windows.reduce((sum, window) => sum + decoder.surprise(window), 0)
    expect(perplexity(decoder, windows)).toBeCloseTo(Math.exp(surprise / 78), 6)
    decoder.dispose()
  })
})
