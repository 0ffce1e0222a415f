import { patterns } from '@nnz/attention'
import { describe, expect, test } from 'vitest'
import { Decoder } from '../src/decoder/decoder.ts'
import { plainLogits } from './plain.ts'
import { decoderConfig, decoderWeights } from './tiny.ts'

const sequences = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3]]
const long = Array.from({ length: 75 }, (_, i) => (i * i + 7) % 70)
const { vocabulary } = decoderConfig

const read = () => Decoder.read(decoderWeights(), decoderConfig, 80)

/** The largest difference, as a share of the largest number. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length)
  let [most, size] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(actual[i] - expected[i]))
    size = Math.max(size, Math.abs(expected[i]))
  }
  return most / size
}

describe('the decoder', () => {
  test('computes the logits of plain loops', async () => {
    const weights = decoderWeights()
    const decoder = await Decoder.read(weights, decoderConfig, 80)
    const expected = plainLogits(weights, decoderConfig, long)
    const logits = decoder.logits(long)
    expect(logits.shape).toEqual([75, vocabulary])
    expect(difference(logits.data, expected.flat())).toBeLessThan(2e-5)
    const surprises = decoder.surprises(long)
    for (let i = 0; i < 74; i++) {
      const total = expected[i].reduce((sum, logit) => sum + Math.exp(logit), 0)
      expect(surprises[i]).toBeCloseTo(Math.log(total) - expected[i][long[i + 1]], 3)
    }
    expect(decoder.surprise(long)).toBeCloseTo(
      surprises.reduce((a, b) => a + b),
      6,
    )
    decoder.dispose()
  })

  test('keeps packed sequences apart, and asks hooks which pairs to compute', async () => {
    const own = patterns.slidingWindow({ blockShape: [4, 4], rows: 12, columns: 12, window: 1 })
    const decoder = await read()
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

  test('tells hooks the input of every linear layer', async () => {
    const decoder = await read()
    const seen: string[] = []
    decoder.run(sequences, { linear: (name, { shape }) => seen.push(`${name} ${shape}`) })
    expect(seen).toHaveLength(14)
    expect([seen[0], seen[6]]).toEqual(['blk.0.attn_q 18,32', 'blk.0.ffn_down 18,40'])
    expect(decoder.linearLayers.map(({ name }) => name)).toEqual(seen.map((text) => text.split(' ')[0]))
    decoder.dispose()
  })

  test('refuses sequences and tensors that do not fit', async () => {
    const decoder = await read()
    expect(() => decoder.run([[70]])).toThrow('sequence 0: expected tokens in 0..69, got 70')
    expect(() => decoder.logits(Array(101).fill(1))).toThrow('sequence 0 has 101 tokens, expected at most 100')
    decoder.dispose()
    await expect(Decoder.read(decoderWeights(), { ...decoderConfig, innerWidth: 44 }, 32)).rejects.toThrow(
      'blk.0.ffn_gate.weight is [40, 32], expected [44, 32]',
    )
  })
})

describe('a session', () => {
  test('gives the logits of the whole text, however it is cut', async () => {
    const decoder = await read()
    const whole = decoder.logits(long).data
    const session = decoder.session(80)
    let at = 0
    for (const count of [20, 1, 1, 7, 1, 45]) {
      const logits = session.extend(long.slice(at, at + count))
      at += count
      expect(session.length).toBe(at)
      expect(difference(logits, whole.subarray((at - 1) * vocabulary, at * vocabulary))).toBeLessThan(2e-5)
    }
    expect(() => session.extend([1, 2, 3, 4, 5, 6])).toThrow('got 6 tokens, there is room for 1..5')
    expect(() => session.extend([70])).toThrow('expected tokens in 0..69, got 70')
    expect(session.length).toBe(75)
    session.dispose()
    decoder.dispose()
  })

  test('takes a text longer than what is computed at once', async () => {
    const decoder = await Decoder.read(decoderWeights(), decoderConfig, 16)
    const session = decoder.session(100)
    const logits = session.extend(long)
    const whole = (await read()).logits(long).data
    expect(difference(logits, whole.subarray(74 * vocabulary))).toBeLessThan(2e-5)
    session.dispose()
    decoder.dispose()
  })
})

describe('generating', () => {
  test('takes the likeliest token at each step', async () => {
    const decoder = await read()
    const made = [...decoder.generateTokens([5, 6, 7], { tokens: 6 })]
    expect(made).toHaveLength(6)
    const text = [5, 6, 7]
    for (const token of made) {
      const logits = decoder.logits(text).data.subarray(-vocabulary)
      expect(token).toBe(logits.indexOf(Math.max(...logits)))
      text.push(token)
    }
    decoder.dispose()
  })

  test('draws the same tokens from the same seed, and only likely ones', async () => {
    const decoder = await read()
    const draw = (seed: number) => [...decoder.generateTokens([5], { tokens: 12, temperature: 2, topK: 3, seed })]
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    const made = draw(3)
    const logits = decoder.logits([5]).data
    const likely = Array.from(logits, (_, token) => token).sort((a, b) => logits[b] - logits[a])
    expect(likely.slice(0, 3)).toContain(made[0])
    expect(() => [...decoder.generateTokens([5], { temperature: -1 })]).toThrow(
      'expected a temperature from 0 on, got -1',
    )
    expect(() => [...decoder.generateTokens([5], { topK: 0 })]).toThrow('expected topK to be a whole number from 1 on')
    expect(() => [...decoder.generateTokens([], {})]).toThrow('got 0 tokens')
    expect(() => [...decoder.generate('text')]).toThrow('without a tokeniser')
    decoder.dispose()
  })

  test('tells a text piece by piece, whole characters at a time, until its end', async () => {
    const pieces = ['A', 'B', '\ufffd', 'Ö']
    const tokenizer = {
      encode: () => [5],
      decode: (tokens: readonly number[]) =>
        tokens
          .map((_, i) => pieces[i])
          .join('')
          .replace('\ufffdÖ', 'Ö'),
      end: undefined as number | undefined,
    }
    const decoder = await Decoder.read(decoderWeights(), decoderConfig, 80, tokenizer)
    expect([...decoder.generate('x', { tokens: 4 })]).toEqual(['A', 'B', 'Ö'])
    tokenizer.end = [...decoder.generateTokens([5], { tokens: 4 })][2]
    const ended = [...decoder.generateTokens([5], { tokens: 4 })]
    expect(ended).not.toContain(tokenizer.end)
    decoder.dispose()
  })
})
