import { describe, expect, it } from 'vitest'
import { attention, blockMask, reference, type Tensor, tensor, zeros } from '../../src/index.ts'
import {
  compressTokens,
  compressTokensBackward,
  gatherTokens,
  type NsaOptions,
  nsa,
  nsaBackward,
  nsaState,
  rangeMask,
} from '../../src/methods/index.ts'
import { draw, expectGradient, expectNear, inner } from './support.ts'

/** Gates [heads, tokens, 3] that are the same everywhere. */
function gatesOf(shape: readonly number[], values: readonly [number, number, number]): Tensor {
  const count = shape.slice(0, -1).reduce((a, b) => a * b, 1)
  return tensor(
    Array.from({ length: 3 * count }, (_, i) => values[i % 3]),
    [...shape.slice(0, -1), 3],
  )
}

const [heads, keyHeads, tokens, headDim] = [4, 2, 75, 8]
const q = draw([heads, tokens, headDim], 1)
const k = draw([keyHeads, tokens, headDim], 2)
const v = draw([keyHeads, tokens, headDim], 3)
const gates = tensor(
  draw([heads, tokens, 3], 4).data.map((x) => 1 / (1 + Math.exp(-x))),
  [heads, tokens, 3],
)
const options = {
  compression: { length: 8, stride: 4 },
  selection: { blockShape: [1, 8], count: 4, initial: 1, local: 2 },
  window: 12,
}

describe('row 39: NSA', () => {
  it('with all blocks selected and only that gate open equals dense attention', () => {
    const dense = attention(q, k, v, { causal: true }).output
    for (const blockShape of [
      [1, 8],
      [16, 16],
    ]) {
      const all = { ...options, selection: { blockShape, count: 100 } }
      expectNear(nsa(q, k, v, gatesOf(q.shape, [0, 1, 0]), all).output.data, dense.data, 1e-6)
    }
    expectNear(nsa(q, k, v, gatesOf(q.shape, [0, 0, 1]), { window: tokens }).output.data, dense.data, 1e-6)
  })

  it('selects the blocks with the highest coarse scores, the first and the nearest always', () => {
    const { mask } = nsa(q, k, v, gates, options)
    const compressed = compressTokens(k, { length: 8, stride: 4 })
    const runs = compressed.shape[1]
    const dense = blockMask.toDense(mask)
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < tokens; query++) {
        const keyHead = Math.floor(head / 2)
        const shares = new Array(Math.floor(query / 8) + 1).fill(0)
        for (const other of [2 * keyHead, 2 * keyHead + 1]) {
          const weights = Array.from({ length: runs }, (_, run) => {
            const row = (x: Tensor, at: number) => x.data.subarray(at * headDim, (at + 1) * headDim)
            const score = inner(row(q, other * tokens + query), row(compressed, keyHead * runs + run))
            return 4 * run + 8 <= query + 1 ? Math.exp(score / Math.sqrt(headDim)) : 0
          })
          const total = weights.reduce((a, b) => a + b, 0)
          // Run j has the pieces of four tokens j and j + 1, block b the pieces 2 b and 2 b + 1.
          weights.forEach((weight, run) => {
            if (weight > 0) for (const piece of [run, run + 1]) shares[Math.floor(piece / 2)] += weight / total
          })
        }
        const always = new Set([0, shares.length - 1, Math.max(0, shares.length - 2)])
        const best = [...shares.keys()].sort(
          (a, b) => Number(always.has(b)) - Number(always.has(a)) || shares[b] - shares[a],
        )
        const expected = best.slice(0, Math.min(4, shares.length)).sort((a, b) => a - b)
        const row = dense.subarray((keyHead * tokens + query) * tokens, (keyHead * tokens + query + 1) * tokens)
        const selected = Array.from({ length: Math.ceil(tokens / 8) }, (_, block) => block).filter(
          (block) => row[8 * block] === 1,
        )
        expect(selected, `head ${head}, query ${query}`).toEqual(expected)
      }
    }
  })

  /** The definition in f64, the selected blocks being given. */
  function slowly(x: Record<string, Tensor>, selected: ReturnType<typeof nsa>['mask'], weights: readonly number[]) {
    const shape = { blockShape: [1, 1], rows: x.q.shape[1], columns: x.k.shape[1] }
    const compressed = { length: 8, stride: 4, weights }
    const causal = rangeMask((query) => [0, query + 1], shape)
    const one = { ...shape, blockShape: selected.blockShape }
    const group = x.q.shape[0] / x.k.shape[0]
    const blocks = blockMask.toDense(selected)
    const size = shape.rows * shape.columns
    const ofHeads = blockMask.fromDense(
      Array.from({ length: group * blocks.length }, (_, i) => blocks[Math.floor(i / size / group) * size + (i % size)]),
      { ...one, heads: x.q.shape[0] },
    )
    const masks = [
      rangeMask((query) => [0, Math.floor((query + 1 - 8) / 4) + 1], {
        ...shape,
        columns: compressTokens(x.k, compressed).shape[1],
      }),
      blockMask.and(ofHeads, blockMask.fromDense(blockMask.toDense(causal), one)),
      rangeMask((query) => [query - 11, query + 1], shape),
    ]
    const branches = [
      reference(x.q, compressTokens(x.k, compressed), compressTokens(x.v, compressed), { mask: masks[0] }),
      reference(x.q, x.k, x.v, { mask: masks[1] }),
      reference(x.q, x.k, x.v, { mask: masks[2] }),
    ]
    return Float64Array.from({ length: x.q.data.length }, (_, i) =>
      branches.reduce((sum, { output }, b) => sum + x.gates.data[3 * Math.floor(i / x.q.shape[2]) + b] * output[i], 0),
    )
  }

  const weights = [0.4, 0.1, 0.05, 0.05, 0.1, 0.1, 0.1, 0.2]

  it('is the gated sum of its branches', () => {
    const result = nsa(q, k, v, gates, { ...options, keyWeights: weights, valueWeights: weights })
    expectNear(result.output.data, slowly({ q, k, v, gates }, result.mask, weights), 2e-6)
  })

  it.each([
    ['a selection for each query', [1, 8]],
    ['a selection for eight queries', [8, 8]],
  ])('has gradients that finite differences confirm, %s', (_, blockShape) => {
    const small = { q: draw([2, 27, 4], 5), k: draw([1, 27, 4], 6), v: draw([1, 27, 4], 7), gates: draw([2, 27, 3], 8) }
    const settings: NsaOptions = {
      ...options,
      selection: { ...options.selection, blockShape, count: 3 },
      keyWeights: weights,
      valueWeights: weights,
    }
    const forward = nsa(small.q, small.k, small.v, small.gates, settings)
    const dOutput = draw([2, 27, 4], 9)
    const gradients = nsaBackward(dOutput, { ...small, ...forward, ...settings })
    const { dQ, dGates } = gradients
    const [dK, dV] = [gradients.dK as Tensor, gradients.dV as Tensor]
    const loss = (x: typeof small) => inner(slowly(x, forward.mask, weights), dOutput.data)
    expectGradient(small, { q: dQ, k: dK, v: dV, gates: dGates }, loss, { step: 3 })
  })

  it('has gradients of the weights of compression', () => {
    const x = draw([2, 31, 4], 1)
    const slopes = draw([2, 6, 4], 2)
    const settings = { length: 8, stride: 4, weights }
    const { dX, dWeights } = compressTokensBackward(slopes, x, settings)
    const loss = (with_: readonly number[], y = x) =>
      inner(compressTokens(y, { ...settings, weights: with_ }).data, slopes.data)
    weights.forEach((_, i) => {
      const moved = (by: number) => loss(weights.map((weight, j) => weight + (i === j ? by : 0)))
      expect(dWeights[i]).toBeCloseTo((moved(0.5) - moved(-0.5)) / 1, 3)
    })
    expectGradient({ x }, { x: dX }, (operands) => loss(weights, operands.x), { by: 0.25 })
  })

  it('takes keys and values of their own for each branch', () => {
    const own = (seed: number) => ({
      compressed: draw([keyHeads, tokens, headDim], seed),
      selected: k,
      window: draw([keyHeads, tokens, headDim], seed + 1),
    })
    const [ks, vs] = [own(20), { ...own(30), selected: v }]
    const result = nsa(q, ks, vs, gates, options)
    expectNear(
      result.branches.window.output.data,
      nsa(q, ks.window, vs.window, gates, options).branches.window.output.data,
      1e-7,
    )
    const dOutput = draw(q.shape, 40)
    const { dK } = nsaBackward(dOutput, { q, k: ks, v: vs, gates, ...result, ...options })
    expect(Object.keys(dK)).toEqual(['compressed', 'selected', 'window'])
    // Where all three are the same, the gradient of the shared one is their sum.
    const same = { compressed: k, selected: k, window: k }
    const forward = nsa(q, same, v, gates, options)
    const apart = nsaBackward(dOutput, { q, k: same, v, gates, ...forward, ...options }).dK as typeof same
    const shared = nsaBackward(dOutput, { q, k, v, gates, ...forward, ...options }).dK as Tensor
    const sums = apart.compressed.data.map((x, i) => x + apart.selected.data[i] + apart.window.data[i])
    expectNear(shared.data, sums, 1e-6)
  })

  it('decodes what it prefills', () => {
    const settings = { ...options, keyWeights: weights }
    const expected = nsa(q, k, v, gates, settings)
    const state = nsaState({ keyHeads, headDim, tokens, ...settings })
    for (let token = 0; token < tokens; token++) {
      const part = (x: Tensor) => gatherTokens(x, [token])
      const { output } = state.step(part(q), part(k), part(v), part(gates))
      expectNear(output.data, part(expected.output).data, 2e-6, `token ${token}`)
    }
    const [first, ...others] = [q, k, v, gates].map((x) => gatherTokens(x, [0]))
    expect(() => state.step(first, others[0], others[1], others[2])).toThrow('room for 75 tokens')
    expect(() => state.step(first, k, v, gates)).toThrow('nsaState: k is [1, 2, 75, 8], expected [1, 2, 1, 8]')
    state.dispose()
  })

  it('takes batches, more keys than queries, and texts shorter than a run', () => {
    const batch = {
      q: draw([2, 2, 20, 4], 1),
      k: draw([2, 1, 33, 4], 2),
      v: draw([2, 1, 33, 4], 3),
      gates: draw([2, 2, 20, 3], 4),
    }
    const all = nsa(batch.q, batch.k, batch.v, batch.gates, options).output.data
    const second = [batch.q, batch.k, batch.v, batch.gates].map(({ data, shape }) =>
      tensor(data.subarray(data.length / 2), shape.slice(1)),
    )
    const alone = nsa(second[0], second[1], second[2], second[3], options).output.data
    expect([...all.subarray(all.length / 2)]).toEqual([...alone])
    const short = (x: Tensor) => gatherTokens(x, [0, 1, 2])
    const few = nsa(short(q), short(k), short(v), gatesOf([heads, 3, 1], [1, 0, 0]), options)
    expect(few.output).toEqual(zeros([heads, 3, headDim]))
  })

  it('says what is wrong', () => {
    expect(() => nsa(q, k, v, gates, { compression: { length: 8, stride: 3 } })).toThrow(
      'expected the stride (3) to divide',
    )
    expect(() => nsa(q, k, v, zeros([heads, tokens, 2]), options)).toThrow(
      'nsa: gates is [1, 4, 75, 2], expected [1, 4, 75, 3 or 24]',
    )
    expect(() => nsa(q, gatherTokens(k, [0]), v, gates, options)).toThrow(
      'at least as many keys as queries, got 1 and 75',
    )
    expect(() => nsa(q, { compressed: k } as never, v, gates, options)).toThrow(TypeError)
    expect(() => nsa(q, k, v, gates, { window: 0 })).toThrow('nsa: window: expected a whole number in 1')
    expect(() => nsa(q, k, v, gates, null as never)).toThrow(TypeError)
    expect(() => compressTokens(k, { length: 2, stride: 1, weights: [1] })).toThrow('weights has 1 entries, expected 2')
  })
})
