import { describe, expect, it } from 'vitest'
import { attention, blockMask, reference, referenceBackward, type Tensor, tensor, zeros } from '../../src/index.ts'
import { tileOrder, vsa, vsaBackward } from '../../src/methods/index.ts'
import { draw, expectGradient, expectNear, inner } from './support.ts'

const [heads, keyHeads, headDim] = [2, 1, 8]
const shape = [5, 6, 4] as const
const tile = [2, 4, 2] as const
const tokens = 5 * 6 * 4
const q = draw([heads, tokens, headDim], 1)
const k = draw([keyHeads, tokens, headDim], 2)
const v = draw([keyHeads, tokens, headDim], 3)

function gatesOf(coarse: number, fine: number): Tensor {
  return tensor(
    Array.from({ length: heads * tokens * 2 }, (_, i) => (i % 2 === 0 ? coarse : fine)),
    [heads, tokens, 2],
  )
}

/** Pairs of tokens that a mask of slots keeps, as a mask of tokens. */
function tokenMask({ mask }: ReturnType<typeof vsa>) {
  const { order } = tileOrder(shape, tile)
  const slots = blockMask.toDense(mask)
  const dense = new Uint8Array(mask.heads * tokens * tokens)
  for (let i = 0; i < slots.length; i++) {
    const [head, row, column] = [
      Math.floor(i / order.length ** 2),
      Math.floor(i / order.length) % order.length,
      i % order.length,
    ]
    if (slots[i] && order[row] >= 0) dense[(head * tokens + order[row]) * tokens + order[column]] = 1
  }
  return blockMask.fromDense(dense, { blockShape: [8, 8], heads: mask.heads, rows: tokens, columns: tokens })
}

describe('tileOrder', () => {
  it('puts the tokens of a tile side by side, each once', () => {
    const { order, tileOf, counts, size } = tileOrder(shape, tile)
    expect(size).toBe(16)
    expect([...order].filter((token) => token >= 0).sort((a, b) => a - b)).toEqual([...Array(tokens).keys()])
    expect([...order.subarray(0, 16)]).toEqual([0, 1, 4, 5, 8, 9, 12, 13, 24, 25, 28, 29, 32, 33, 36, 37])
    expect(counts.reduce((a, b) => a + b)).toBe(tokens)
    order.forEach((token, slot) => {
      if (token >= 0) expect(tileOf[token]).toBe(Math.floor(slot / size))
    })
  })

  it('says what is wrong in its own name, whatever comes third', () => {
    const order = tileOrder as (...args: unknown[]) => unknown
    expect(() => order([0, 4, 4], tile, {})).toThrow('tileOrder: shape: expected a whole number in 1..2^31, got 0')
  })
})

describe('row 43: VSA', () => {
  it('with all tiles and only the fine gate open equals dense attention', () => {
    const all = vsa(q, k, v, gatesOf(0, 1), { shape, tile, count: 1000 })
    expectNear(all.output.data, attention(q, k, v).output.data, 1e-6)
  })

  it('equals dense attention restricted to the chosen tiles, which are those with the highest coarse scores', () => {
    const result = vsa(q, k, v, gatesOf(0, 1), { shape, tile, count: 3 })
    expectNear(result.output.data, reference(q, k, v, { mask: tokenMask(result) }).output, 2e-6)
    const { tileOf, counts } = tileOrder(shape, tile)
    const mean = (x: Tensor, head: number, index: number) =>
      Float64Array.from({ length: headDim }, (_, i) => {
        let sum = 0
        tileOf.forEach((at, token) => {
          if (at === index) sum += x.data[(head * tokens + token) * headDim + i]
        })
        return sum / counts[index]
      })
    for (let head = 0; head < heads; head++) {
      for (let row = 0; row < counts.length; row++) {
        const scores = [...counts.keys()].map((column) => inner(mean(q, head, row), mean(k, 0, column)))
        const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, 3)
        const [from, to] = result.mask.rowOffsets.subarray(head * counts.length + row)
        expect([...result.mask.columnIndices.subarray(from, to)]).toEqual(best.sort((a, b) => a - b))
      }
    }
  })

  it('gives every token of a tile the output of the coarse stage', () => {
    const result = vsa(q, k, v, gatesOf(1, 0), { shape, tile, count: 1 })
    const { tileOf, counts } = tileOrder(shape, tile)
    tileOf.forEach((index, token) => {
      const row = (x: Tensor, at: number) => [...x.data.subarray(at * headDim, (at + 1) * headDim)]
      expect(row(result.output, tokens + token)).toEqual(row(result.coarse.output, counts.length + index))
    })
  })

  it('has the gradients of masked dense attention where only the fine gate is open', () => {
    const gates = gatesOf(0, 1)
    const options = { shape, tile, count: 2 }
    const result = vsa(q, k, v, gates, options)
    const dOutput = draw(q.shape, 5)
    const actual = vsaBackward(dOutput, { q, k, v, gates, ...result, ...options })
    const expected = referenceBackward(dOutput, q, k, v, { mask: tokenMask(result) })
    for (const name of ['dQ', 'dK', 'dV'] as const) expectNear(actual[name].data, expected[name], 1e-5, name)
  })

  it('has gradients through both stages that finite differences confirm', () => {
    const options = { shape: [3, 2, 3], tile: [2, 2, 2], count: 2 } as const
    const small = { q: draw([2, 18, 4], 1), k: draw([1, 18, 4], 2), v: draw([1, 18, 4], 3), gates: draw([2, 18, 8], 4) }
    const forward = vsa(small.q, small.k, small.v, small.gates, options)
    const dOutput = draw([2, 18, 4], 6)
    const { dQ, dK, dV, dGates } = vsaBackward(dOutput, { ...small, ...forward, ...options })
    const { tileOf, order, counts } = tileOrder(options.shape, options.tile)
    const loss = (x: typeof small) => {
      const means = [x.q, x.k, x.v].map((y) => {
        const result = zeros([y.shape[0], counts.length, 4])
        y.data.forEach((value, i) => {
          const [head, token] = [Math.floor(i / 72), Math.floor(i / 4) % 18]
          result.data[(head * counts.length + tileOf[token]) * 4 + (i % 4)] += value / counts[tileOf[token]]
        })
        return result
      })
      const coarse = reference(means[0], means[1], means[2]).output
      const slots = blockMask.toDense(forward.mask)
      const dense = new Uint8Array(2 * 18 * 18)
      for (let head = 0; head < 2; head++)
        order.forEach((row, i) => {
          order.forEach((column, j) => {
            if (row >= 0 && slots[(head * order.length + i) * order.length + j])
              dense[(head * 18 + row) * 18 + column] = 1
          })
        })
      const mask = blockMask.fromDense(dense, { blockShape: [4, 4], heads: 2, rows: 18, columns: 18 })
      const fine = reference(x.q, x.k, x.v, { mask }).output
      let sum = 0
      dOutput.data.forEach((slope, i) => {
        const [row, c] = [Math.floor(i / 4), i % 4]
        const at = (Math.floor(row / 18) * counts.length + tileOf[row % 18]) * 4 + c
        sum += slope * (x.gates.data[8 * row + c] * coarse[at] + x.gates.data[8 * row + 4 + c] * fine[i])
      })
      return sum
    }
    expectNear([inner(forward.output.data, dOutput.data)], [loss(small)], 1e-4)
    expectGradient(small, { q: dQ, k: dK, v: dV, gates: dGates }, loss)
  })

  it('says what is wrong', () => {
    const gates = gatesOf(1, 1)
    expect(() => vsa(q, k, v, gates, { shape: [5, 6, 5], count: 1 })).toThrow(
      'vsa: expected 150 tokens ([5, 6, 5]), got 120',
    )
    expect(() => vsa(q, k, v, gates, { shape: [120, 1] as never, count: 1 })).toThrow(
      'shape: expected [frames, rows, columns], got 2',
    )
    expect(() => vsa(q, k, v, gates, { shape: 120 as never, count: 1 })).toThrow(TypeError)
    expect(() => vsa(q, k, v, gates, { shape, count: 0 })).toThrow('vsa: count: expected a whole number in 1')
    expect(() => vsa(q, k, v, zeros([heads, tokens, 3]), { shape, count: 1 })).toThrow(
      'gates is [1, 2, 120, 3], expected [1, 2, 120, 2 or 16]',
    )
    expect(() => vsa(q, k, v, gates, undefined as never)).toThrow(TypeError)
  })
})
