import { patterns } from '@nnz/attention'
import { describe, expect, test } from 'vitest'
import { Decoder } from '../src/decoder/decoder.ts'
import { plainSurprise } from './plain.ts'
import { decoderConfig, decoderWeights } from './tiny.ts'

const sequences = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3]]

describe('the decoder', () => {
  test('is as surprised as plain loops are, over several parts of the vocabulary’s product', async () => {
    const weights = decoderWeights()
    const decoder = await Decoder.read(weights, decoderConfig, 80)
    const sequence = Array.from({ length: 75 }, (_, i) => (i * i + 7) % 70)
    const expected = plainSurprise(weights, decoderConfig, sequence)
    expect(Math.abs(decoder.surprise(sequence) - expected)).toBeLessThan(1e-4 * expected)
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
