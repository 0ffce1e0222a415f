import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attention, reference, type Tensor, tensor } from '../../src/index.ts'
import {
  gatherTokens,
  sliceTokens,
  sparseK,
  sparseKAttention,
  sparseKAttentionBackward,
  sparseKBackward,
  sparseKState,
  sparseKThreshold,
} from '../../src/methods/index.ts'
import { draw, expectGradient, expectNear, inner } from './support.ts'

const numbers = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 40 })

describe('row 140: the SparseK operator', () => {
  it('stays in [0, 1], sums to k, and is the nearest such point', () => {
    fc.assert(
      fc.property(numbers, fc.double({ min: 0.1, max: 50, noNaN: true }), (scores, k) => {
        const values = sparseK(scores, k)
        for (const value of values) {
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(1)
        }
        expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(Math.min(k, scores.length), 9)
        // Moving weight from one entry to another never comes closer to the scores.
        const slope = (i: number) => scores[i] - values[i]
        for (let i = 0; i < scores.length; i++)
          for (let j = 0; j < scores.length; j++)
            if (values[i] < 1 && values[j] > 0) expect(slope(i) - slope(j)).toBeLessThan(1e-9)
      }),
    )
  })

  it('is known for small cases, with scores that are far apart or equal', () => {
    expect([...sparseK([9, 0, 5], 2)]).toEqual([1, 0, 1])
    expect([...sparseK([1, 1, 1, 1], 2)]).toEqual([0.5, 0.5, 0.5, 0.5])
    expect([...sparseK([0.5, 0.2], 1)].map((x) => x.toFixed(3))).toEqual(['0.650', '0.350'])
    expect([...sparseK([3, -2], 2)]).toEqual([1, 1])
    expect(sparseKThreshold([], 1)).toBe(Number.NEGATIVE_INFINITY)
  })

  it('has a threshold that does not fall when scores are added', () => {
    fc.assert(
      fc.property(numbers, numbers, fc.integer({ min: 1, max: 20 }), (some, more, k) => {
        expect(sparseKThreshold([...some, ...more], k)).toBeGreaterThanOrEqual(sparseKThreshold(some, k) - 1e-9)
      }),
    )
  })

  it('has a gradient that finite differences confirm', () => {
    const scores = [...draw([30], 1).data]
    const slopes = [...draw([30], 2).data]
    for (const k of [1, 4, 12.5]) {
      const gradient = sparseKBackward(slopes, sparseK(scores, k))
      expect(gradient.some((x) => x !== 0)).toBe(true)
      scores.forEach((_, i) => {
        const loss = (by: number) =>
          inner(
            sparseK(
              scores.map((score, j) => score + (i === j ? by : 0)),
              k,
            ),
            slopes,
          )
        expect(gradient[i]).toBeCloseTo((loss(1e-6) - loss(-1e-6)) / 2e-6, 6)
      })
    }
  })

  it('says what is wrong', () => {
    expect(() => sparseK([1, Number.NaN], 1)).toThrow('sparseK: expected finite scores, got NaN')
    expect(() => sparseK([1], 0)).toThrow('sparseK: k: expected a finite number above 0, got 0')
    expect(() => sparseK(5 as never, 1)).toThrow(TypeError)
    expect(() => sparseKBackward([1], [1, 0])).toThrow('dValues has 1 entries, expected 2')
  })
})

/** The definition, query by query, in f64: chunk c attends to its own past, and to the shares of the chunks before. */
function slowly(
  { q, k, v, scores }: Record<'q' | 'k' | 'v' | 'scores', Tensor>,
  count: number,
  chunk: number,
): Float64Array {
  const [heads, tokens, headDim] = q.shape
  const keyHeads = k.shape[0]
  const result = new Float64Array(q.data.length)
  for (let head = 0; head < heads; head++) {
    const keyHead = Math.floor((head * keyHeads) / heads)
    const row = (x: Tensor, h: number, token: number) =>
      x.data.subarray((h * tokens + token) * headDim).subarray(0, headDim)
    for (let query = 0; query < tokens; query++) {
      const first = query - (query % chunk)
      const earlier = [...scores.data.subarray(keyHead * tokens, keyHead * tokens + first)]
      const shares = sparseK(earlier, count)
      const best = [...earlier.keys()].sort((a, b) => earlier[b] - earlier[a]).slice(0, count)
      const keys = [
        ...best.map((token) => ({ token, share: shares[token] })),
        ...Array.from({ length: query - first + 1 }, (_, i) => ({ token: first + i, share: 1 })),
      ]
      const weights = keys.map(({ token, share }) =>
        Math.exp((share * inner(row(q, head, query), row(k, keyHead, token))) / Math.sqrt(headDim)),
      )
      const total = weights.reduce((a, b) => a + b, 0)
      keys.forEach(({ token, share }, n) => {
        row(v, keyHead, token).forEach((value, i) => {
          result[(head * tokens + query) * headDim + i] += (weights[n] / total) * share * value
        })
      })
    }
  }
  return result
}

describe('row 140: SparseK attention', () => {
  const operands = (tokens: number, heads = 4, keyHeads = 2, headDim = 8) => ({
    q: draw([heads, tokens, headDim], 1),
    k: draw([keyHeads, tokens, headDim], 2),
    v: draw([keyHeads, tokens, headDim], 3),
    scores: draw([keyHeads, tokens], 4),
  })
  const { q, k, v, scores } = operands(50)

  it('attends to the shares of the selected tokens and to its own chunk', () => {
    for (const [count, chunk] of [
      [5, 8],
      [3, 1],
      [7, 64],
    ])
      expectNear(
        sparseKAttention(q, k, v, scores, { count, chunk }).output.data,
        slowly({ q, k, v, scores }, count, chunk),
      )
  })

  it('that keeps everything equals dense attention', () => {
    const causal = attention(q, k, v, { causal: true })
    const kept = sparseKAttention(q, k, v, scores, { count: 50, chunk: 16 })
    expectNear(kept.output.data, causal.output.data, 1e-6)
    expectNear(kept.logSumExp.data, causal.logSumExp.data, 1e-6)
    const whole = sparseKAttention(q, k, v, scores, { count: 50, causal: false })
    expectNear(whole.output.data, attention(q, k, v).output.data, 1e-6)
  })

  it.each([
    ['causal', { count: 4, chunk: 5 }],
    ['not causal', { count: 6, causal: false }],
  ])('has gradients that finite differences confirm, %s', (_, options) => {
    const small = operands(17, 2, 1, 4)
    const dOutput = draw([2, 17, 4], 9)
    const forward = sparseKAttention(small.q, small.k, small.v, small.scores, options)
    const { dQ, dK, dV, dScores } = sparseKAttentionBackward(dOutput, { ...small, ...forward, ...options })
    const whole = (x: typeof small) => {
      // Not causal: every query reads the shares of all tokens.
      const shares = sparseK(x.scores.data, options.count)
      const best = [...shares.keys()].sort((a, b) => x.scores.data[b] - x.scores.data[a]).slice(0, options.count)
      const scaled = (y: Tensor) => {
        const rows = gatherTokens(y, best)
        return tensor(
          rows.data.map((value, i) => value * shares[best[Math.floor(i / 4)]]),
          rows.shape,
        )
      }
      return reference(x.q, scaled(x.k), scaled(x.v)).output
    }
    const output = (x: typeof small) => ('chunk' in options ? slowly(x, options.count, options.chunk) : whole(x))
    expectNear(forward.output.data, output(small))
    expect(dScores.data.filter((x) => x !== 0).length).toBeGreaterThan(3)
    expectGradient(small, { q: dQ, k: dK, v: dV, scores: dScores }, (x) => inner(output(x), dOutput.data), {
      by: 2 ** -9,
    })
  })

  it('decodes what it prefills, in memory that does not grow', () => {
    const options = { count: 6, chunk: 4 }
    const expected = sparseKAttention(q, k, v, scores, options).output
    const state = sparseKState({ keyHeads: 2, headDim: 8, ...options })
    const held: number[] = []
    for (let token = 0; token < 50; token++) {
      const part = (x: Tensor) => gatherTokens(x, [token])
      const score = tensor([scores.data[token], scores.data[50 + token]], [2, 1])
      const { output } = state.step(part(q), part(k), part(v), score)
      expectNear(output.data, part(expected).data, 1e-6, `token ${token}`)
      expect(state.pairs).toBeLessThanOrEqual(options.count + options.chunk)
      held.push(state.bytes)
    }
    expect(state.length).toBe(50)
    expect(new Set(held.slice(8)).size).toBe(1)
    state.dispose()
  })

  it('does not look ahead: the first half is computed as if it stood alone', () => {
    const options = { count: 8, chunk: 10 }
    const all = sparseKAttention(q, k, v, scores, options)
    const first = (x: Tensor) => sliceTokens(x, 0, 25)
    const firstScores = tensor([...scores.data.subarray(0, 25), ...scores.data.subarray(50, 75)], [2, 25])
    const half = sparseKAttention(first(q), first(k), first(v), firstScores, options)
    expectNear(gatherTokens(all.output, [...Array(25).keys()]).data, half.output.data, 1e-6)
  })

  it('takes batches', () => {
    const batch = { q: draw([2, 4, 20, 8], 1), k: draw([2, 2, 20, 8], 2), v: draw([2, 2, 20, 8], 3) }
    const both = draw([2, 2, 20], 4)
    const all = sparseKAttention(batch.q, batch.k, batch.v, both, { count: 3, chunk: 6 }).output.data
    const entry = (x: Tensor, b: number) => {
      const size = x.data.length / 2
      return tensor(x.data.subarray(b * size, (b + 1) * size), x.shape.slice(1))
    }
    for (const b of [0, 1]) {
      const one = [batch.q, batch.k, batch.v, both].map((x) => entry(x, b))
      const { output } = sparseKAttention(one[0], one[1], one[2], one[3], { count: 3, chunk: 6 })
      expect([...all.subarray(b * 640, (b + 1) * 640)]).toEqual([...output.data])
    }
  })

  it('says what is wrong', () => {
    expect(() => sparseKAttention(q, k, v, scores, { count: 0 })).toThrow('count: expected a whole number in 1')
    expect(() => sparseKAttention(q, k, v, draw([3], 1), { count: 2 })).toThrow('scores: expected [1, 2, 50], got [3]')
    expect(() => sparseKAttention(q, sliceTokens(k, 0, 9), v, scores, { count: 2 })).toThrow(
      'sparseKAttention: k is [1, 2, 9, 8], expected [1, 2, 50, 8]',
    )
    expect(() => sparseKAttention(q, k, v, scores, undefined as never)).toThrow(TypeError)
    expect(() => sparseKState({ keyHeads: 1, headDim: 8, count: 2 }).step(q, k, v, scores)).toThrow(
      'sparseKState: q is [1, 4, 50, 8], expected [1, 4, 1, 8]',
    )
  })
})
