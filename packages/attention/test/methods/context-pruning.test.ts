import { describe, expect, it } from 'vitest'
import { attention, blockMask, js, reference, type Tensor, tensor, zeros } from '../../src/index.ts'
import {
  attentionWithBias,
  attentionWithBiasBackward,
  gatherTokens,
  type PruningOptions,
  prunedAttention,
  prunedAttentionBackward,
  pruningState,
  sparseSigmoid,
  sparseSigmoidSlope,
} from '../../src/methods/index.ts'
import { draw, expectGradient, expectNear, inner } from './support.ts'

/** softmax(q kᵀ / sqrt(headDim) + bias) v in f64. */
function slowly(q: Tensor, k: Tensor, v: Tensor, bias: (query: number, key: number) => number): Float64Array {
  const [heads, tokens, headDim] = q.shape
  const [keyHeads, keys] = k.shape
  const result = new Float64Array(q.data.length)
  for (let head = 0; head < heads; head++) {
    const keyHead = Math.floor((head * keyHeads) / heads)
    const row = (x: Tensor, at: number) => x.data.subarray(at * headDim, (at + 1) * headDim)
    for (let query = 0; query < tokens; query++) {
      const weights = Array.from({ length: keys }, (_, key) =>
        Math.exp(
          inner(row(q, head * tokens + query), row(k, keyHead * keys + key)) / Math.sqrt(headDim) + bias(query, key),
        ),
      )
      const total = weights.reduce((a, b) => a + b, 0)
      if (total === 0) continue
      weights.forEach((weight, key) => {
        row(v, keyHead * keys + key).forEach((value, i) => {
          result[(head * tokens + query) * headDim + i] += (weight / total) * value
        })
      })
    }
  }
  return result
}

describe('attentionWithBias', () => {
  const [q, k, v] = [draw([4, 37, 8], 1), draw([2, 70, 8], 2), draw([2, 70, 8], 3)]
  const bias = draw([37, 70], 4, 2)
  for (let i = 0; i < bias.data.length; i += 3) bias.data[i] = Number.NEGATIVE_INFINITY
  bias.data.fill(Number.NEGATIVE_INFINITY, 5 * 70, 6 * 70)

  it.each([['js'], ['wasm']])('adds the bias to the scores, on %s', (name) => {
    const backend = name === 'js' ? js : undefined
    const { output, logSumExp } = attentionWithBias(q, k, v, bias, { backend })
    expectNear(
      output.data,
      slowly(q, k, v, (query, key) => bias.data[query * 70 + key]),
      2e-6,
    )
    expect(logSumExp.data[5]).toBe(Number.NEGATIVE_INFINITY)
    const mask = blockMask.fromDense(
      bias.data.map((x) => Number(x > Number.NEGATIVE_INFINITY)),
      { blockShape: [16, 16], rows: 37, columns: 70 },
    )
    const zero = tensor(
      bias.data.map((x) => (x > Number.NEGATIVE_INFINITY ? 0 : x)),
      [37, 70],
    )
    expectNear(
      attentionWithBias(q, k, v, zero, { backend }).logSumExp.data,
      reference(q, k, v, { mask }).logSumExp,
      2e-6,
    )
  })

  it('has gradients that finite differences confirm', () => {
    const small = { q: draw([2, 6, 4], 1), k: draw([1, 7, 4], 2), v: draw([1, 7, 4], 3), bias: draw([6, 7], 4) }
    const dOutput = draw([2, 6, 4], 5)
    const forward = attentionWithBias(small.q, small.k, small.v, small.bias)
    const { dQ, dK, dV, dBias } = attentionWithBiasBackward(dOutput, { ...small, ...forward })
    expectGradient(small, { q: dQ, k: dK, v: dV, bias: dBias }, (x) =>
      inner(
        slowly(x.q, x.k, x.v, (query, key) => x.bias.data[query * 7 + key]),
        dOutput.data,
      ),
    )
  })

  it('says what is wrong', () => {
    expect(() => attentionWithBias(q, k, v, zeros([3, 3]))).toThrow('expected a bias [37, 70]')
    const wrong = zeros([37, 70])
    wrong.data[7] = Number.NaN
    expect(() => attentionWithBias(q, k, v, wrong)).toThrow('expected a bias of finite numbers or -Infinity, got NaN')
    expect(() => attentionWithBias(draw([1, 2, 256], 1), k, v, bias)).toThrow('headDim up to 252')
  })
})

describe('sparseSigmoid', () => {
  it('is logistic for alpha 1, linear for 2, a step for Infinity, and symmetric', () => {
    for (const x of [-3, -0.7, 0, 0.2, 5]) {
      expect(sparseSigmoid(x, 1)).toBeCloseTo(1 / (1 + Math.exp(-x)), 12)
      expect(sparseSigmoid(x, 2)).toBeCloseTo(Math.min(1, Math.max(0, (1 + x) / 2)), 12)
      for (const alpha of [1, 1.2, 1.5, 2, 3, 8])
        expect(sparseSigmoid(x, alpha) + sparseSigmoid(-x, alpha)).toBeCloseTo(1, 12)
    }
    expect([-1, 0, 1e-9].map((x) => sparseSigmoid(x, Number.POSITIVE_INFINITY))).toEqual([0, 0, 1])
    expect(sparseSigmoid(-2, 1.5)).toBe(0)
    expect(sparseSigmoid(0.5, 3)).toBe(1)
    expect(() => sparseSigmoid(0, 0.5)).toThrow('expected a number from 1 up, got 0.5')
  })

  it('maximises p x + H(p), and has the derivative that finite differences confirm', () => {
    for (const alpha of [1.2, 1.5, 2, 3.5]) {
      const entropy = (p: number) => (p + (1 - p) - p ** alpha - (1 - p) ** alpha) / (alpha * (alpha - 1))
      for (const x of [-0.25, 0.01, 0.2]) {
        const p = sparseSigmoid(x, alpha)
        for (const other of [p - 1e-3, p + 1e-3]) expect(p * x + entropy(p)).toBeGreaterThan(other * x + entropy(other))
        const slope = (sparseSigmoid(x + 1e-6, alpha) - sparseSigmoid(x - 1e-6, alpha)) / 2e-6
        expect(sparseSigmoidSlope(p, alpha)).toBeCloseTo(slope, 6)
      }
    }
  })
})

describe('row 157: dynamic context pruning', () => {
  const [heads, keyHeads, tokens, headDim, width] = [4, 2, 75, 8, 6]
  const q = draw([heads, tokens, headDim], 1)
  const k = draw([keyHeads, tokens, headDim], 2)
  const v = draw([keyHeads, tokens, headDim], 3)
  const interactions = { queries: draw([tokens, width], 4), keys: draw([tokens, width], 5) }

  /** Gates of the definition: products of decisions. */
  function gatesOf(x: typeof interactions, { alpha = Number.POSITIVE_INFINITY, beta = 0 }: PruningOptions) {
    const count = x.queries.shape[0]
    const size = x.queries.shape[1]
    const row = (y: Tensor, at: number) => y.data.subarray(at * size, (at + 1) * size)
    const gates = new Float64Array(count * count)
    for (let query = 0; query < count; query++) {
      gates[query * count + query] = 1
      for (let key = 0; key < query; key++)
        gates[query * count + key] =
          gates[(query - 1) * count + key] *
          sparseSigmoid(inner(row(x.queries, query), row(x.keys, key)) / Math.sqrt(size) + beta, alpha)
    }
    return gates
  }

  it('that drops nothing equals dense attention', () => {
    const kept = prunedAttention(q, k, v, interactions, { beta: 1e6 })
    expectNear(kept.output.data, attention(q, k, v, { causal: true }).output.data, 1e-6)
    expect(kept.contextShare).toBeCloseTo(1, 6)
    expect([...kept.droppedAt]).toEqual(new Array(tokens).fill(tokens))
  })

  it.each([
    ['decisions of yes or no', { beta: 2.5 }],
    ['soft decisions', { alpha: 1.5, beta: 2 }],
    ['logistic decisions', { alpha: 1, beta: 1 }],
  ])('is attention weighed by products of decisions: %s', (_, options) => {
    const gates = gatesOf(interactions, options)
    const result = prunedAttention(q, k, v, interactions, options)
    expectNear(
      result.output.data,
      slowly(q, k, v, (query, key) => Math.log(gates[query * tokens + key])),
      3e-6,
    )
    const shares = gates.reduce((a, b) => a + b, 0) - tokens
    expect(result.contextShare).toBeCloseTo(shares / ((tokens * (tokens - 1)) / 2), 6)
    const expected = Array.from({ length: tokens }, (_, key) => {
      for (let query = key + 1; query < tokens; query++) if (gates[query * tokens + key] === 0) return query
      return tokens
    })
    expect([...result.droppedAt]).toEqual(expected)
  })

  it('never attends to a dropped token again', () => {
    const options = { beta: 2.5 }
    const { droppedAt, output } = prunedAttention(q, k, v, interactions, options)
    const token = droppedAt.findIndex((at, i) => at > i + 5 && at < tokens - 5)
    expect(token).toBeGreaterThanOrEqual(0)
    const changed = tensor(v.data.slice(), v.shape)
    for (let head = 0; head < keyHeads; head++)
      changed.data.fill(1e6, (head * tokens + token) * headDim, (head * tokens + token + 1) * headDim)
    const other = prunedAttention(q, k, changed, interactions, options).output
    const row = (x: Tensor, query: number) => [...x.data.subarray(query * headDim, (query + 1) * headDim)]
    for (let query = droppedAt[token]; query < tokens; query++) expect(row(other, query)).toEqual(row(output, query))
    expect(row(other, droppedAt[token] - 1)).not.toEqual(row(output, droppedAt[token] - 1))
  })

  it.each([
    ['logistic', { alpha: 1, beta: 1 }],
    ['sparse', { alpha: 1.5, beta: 1.2 }],
  ])('has gradients that finite differences confirm, the term of sparsity included: %s', (_, options) => {
    const count = 37
    const small = {
      q: draw([2, count, 4], 1),
      k: draw([1, count, 4], 2),
      v: draw([1, count, 4], 3),
      queries: draw([count, 4], 4),
      keys: draw([count, 4], 5),
    }
    const dOutput = draw([2, count, 4], 6)
    const sparsity = 30
    const forward = prunedAttention(small.q, small.k, small.v, small, options)
    const { dQ, dK, dV, dQueries, dKeys, dBeta } = prunedAttentionBackward(
      dOutput,
      { ...small, ...forward, interactions: small, ...options },
      { sparsity },
    )
    const loss = (x: typeof small, change: PruningOptions = {}) => {
      const gates = gatesOf(x, { ...options, ...change })
      const output = slowly(x.q, x.k, x.v, (query, key) => Math.log(gates[query * count + key]))
      const share = (gates.reduce((a, b) => a + b, 0) - count) / ((count * (count - 1)) / 2)
      return inner(output, dOutput.data) + sparsity * share
    }
    const gradients = { q: dQ, k: dK, v: dV, queries: dQueries, keys: dKeys }
    // A decision that turns into a 0 while it is moved is a kink: small steps.
    expectGradient(small, gradients, loss, { step: 7, by: 2 ** -12, digits: 2 })
    const moved = (by: number) => loss(small, { beta: options.beta + by })
    expect(dBeta).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 2)
  })

  it.each([
    ['yes or no', { beta: 2.5 }],
    ['soft', { alpha: 1.5, beta: 0.3 }],
  ])('decodes what it prefills on a compacted cache: %s', (_, options) => {
    const expected = prunedAttention(q, k, v, interactions, options)
    const state = pruningState({ keyHeads, headDim, width, capacity: tokens, ...options })
    for (let token = 0; token < tokens; token++) {
      const part = (x: Tensor) => gatherTokens(x, [token])
      const row = (x: Tensor) => tensor(x.data.subarray(token * width, (token + 1) * width), [1, width])
      const output = state.step(part(q), part(k), part(v), {
        queries: row(interactions.queries),
        keys: row(interactions.keys),
      })
      expectNear(output.data, part(expected.output).data, 2e-6, `token ${token}`)
      const alive = [...Array(token + 1).keys()].filter((key) => expected.droppedAt[key] > token)
      expect(state.tokens).toEqual(alive)
      expect(state.bytes).toBe(alive.length * 8 * keyHeads * headDim)
    }
    expect(state.bytes).toBeLessThan(0.8 * tokens * 8 * keyHeads * headDim)
    expect(state.length).toBe(tokens)
  })

  it('holds fewer bytes the more it prunes', () => {
    const bytes = [3, 2, 1, 0].map((beta) => {
      const { droppedAt } = prunedAttention(q, k, v, interactions, { beta })
      return droppedAt.filter((at) => at === tokens).length
    })
    expect([...bytes].sort((a, b) => b - a)).toEqual(bytes)
    expect(bytes[0]).toBeGreaterThan(bytes[3])
  })

  it('says what is wrong', () => {
    expect(() => prunedAttention(q, k, v, { ...interactions, keys: draw([5, width], 1) })).toThrow(
      'expected interactions.keys to be a row-major tensor [75, width]',
    )
    expect(() => prunedAttention(q, gatherTokens(k, [0]), v, interactions)).toThrow(
      'prunedAttention: k is [1, 2, 1, 8], expected [1, 2, 75, 8]',
    )
    expect(() => prunedAttention(q, k, v, interactions, { alpha: 0 })).toThrow(
      'alpha: expected a number from 1 up, got 0',
    )
    expect(() => prunedAttention(q, k, v, interactions, { beta: '1' as never })).toThrow(TypeError)
    const state = pruningState({ keyHeads: 1, headDim: 4, width: 2, capacity: 1, beta: 1e6 })
    const step = () =>
      state.step(zeros([1, 1, 4]), zeros([1, 1, 4]), zeros([1, 1, 4]), { queries: zeros([1, 2]), keys: zeros([1, 2]) })
    step()
    expect(step).toThrow('there is room for 1 tokens, and none was dropped')
  })
})
