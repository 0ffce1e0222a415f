import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attention, attentionBackward, blockMask, tensor, wasm, zeros } from '../../src/index.ts'
import { gatherTokens, mergeAttention, rangeMask, scatterTokens, sliceTokens } from '../../src/methods/index.ts'
import { draw, expectNear, inner } from './support.ts'

describe('rangeMask', () => {
  it('keeps what a predicate keeps', () => {
    const sizes = fc.record({
      rows: fc.integer({ min: 0, max: 40 }),
      columns: fc.integer({ min: 0, max: 80 }),
      blockShape: fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 40 })),
      low: fc.integer({ min: -90, max: 60 }),
      width: fc.integer({ min: -2, max: 100 }),
      slope: fc.constantFrom(0, 0.5, 1, 2),
    })
    fc.assert(
      fc.property(sizes, ({ low, width, slope, ...size }) => {
        const range = (query: number) => {
          const from = low + Math.floor(slope * query)
          return [from, from + width] as const
        }
        const keeps = (_: number, query: number, key: number) => key >= range(query)[0] && key < range(query)[1]
        expect(blockMask.toDense(rangeMask(range, size))).toEqual(
          blockMask.toDense(blockMask.fromPredicate(keeps, size)),
        )
      }),
    )
  })

  it('says what is wrong', () => {
    const shape = { blockShape: [4, 4], rows: 4, columns: 4 }
    expect(() => rangeMask(5 as never, shape)).toThrow(TypeError)
    expect(() => rangeMask(() => [0, 1], { ...shape, rows: -1 })).toThrow('rangeMask: rows: expected a whole number')
  })
})

describe('mergeAttention', () => {
  const q = draw([2, 4, 9, 8], 1)
  const k = draw([2, 2, 30, 8], 2)
  const v = draw([2, 2, 30, 8], 3)
  const whole = attention(q, k, v)
  const cuts = [0, 11, 11, 26, 30]
  const parts = cuts.slice(1).map((end, i) => {
    const [first, count] = [cuts[i], end - cuts[i]]
    return { k: sliceTokens(k, first, count), v: sliceTokens(v, first, count) }
  })

  it('of attention to disjoint keys is attention to all of them, backward too', () => {
    const merged = mergeAttention(parts.map((part) => attention(q, part.k, part.v)))
    expectNear(merged.output.data, whole.output.data, 1e-6)
    expectNear(merged.logSumExp.data, whole.logSumExp.data, 2e-6)
    const dOutput = draw([2, 4, 9, 8], 4)
    const expected = attentionBackward(dOutput, { q, k, v, ...whole })
    const dQ = zeros(q.shape)
    const dK = zeros(k.shape)
    parts.forEach((part, i) => {
      const gradients = attentionBackward(dOutput, { q, ...part, ...merged })
      gradients.dQ.data.forEach((x, j) => {
        dQ.data[j] += x
      })
      const list = Array.from({ length: part.k.shape[2] }, (_, token) => cuts[i] + token)
      scatterTokens(gradients.dK, list, 30, dK)
    })
    expectNear(dQ.data, expected.dQ.data, 3e-6)
    expectNear(dK.data, expected.dK.data, 3e-6)
  })

  it('leaves queries without keys empty', () => {
    const none = attention(q, sliceTokens(k, 0, 0), sliceTokens(v, 0, 0))
    expect(mergeAttention([none, none])).toEqual(none)
    expect(mergeAttention([none, whole]).output).toEqual(whole.output)
  })

  it('says what is wrong', () => {
    expect(() => mergeAttention([])).toThrow('expected at least one result')
    expect(() => mergeAttention([whole, { ...whole, output: zeros([1, 2, 4]) }])).toThrow('mergeAttention: output 1 is')
    expect(() => mergeAttention([{ ...whole, logSumExp: zeros([3]) }])).toThrow(
      'logSumExp 0 is [3] with strides [1], expected [',
    )
    expect(() => mergeAttention([{}] as never)).toThrow(TypeError)
  })
})

describe('gatherTokens and scatterTokens', () => {
  const x = draw([2, 3, 7, 4], 5)

  it('are adjoint, and undo each other where every token is named once', () => {
    const list = [3, -1, 0, 6, 3]
    const y = draw([2, 3, 5, 4], 6)
    expect(inner(gatherTokens(x, list).data, y.data)).toBeCloseTo(inner(x.data, scatterTokens(y, list, 7).data), 4)
    const order = [4, 2, 6, 0, 1, 5, 3]
    expect(scatterTokens(gatherTokens(x, order), order, 7)).toEqual(x)
  })

  it('take a list for each head, and any strides', () => {
    const lists = Array.from({ length: 6 }, (_, group) => [group, (group + 3) % 7])
    const gathered = gatherTokens(x, lists)
    expect(gathered.shape).toEqual([2, 3, 2, 4])
    expect([...gathered.data.subarray(8, 12)]).toEqual([...x.data.subarray(32, 36)])
    const strided = tensor(x.data, [3, 14, 2], { strides: [2, 6, 1] })
    expect([...gatherTokens(strided, [1]).data]).toEqual([6, 7, 8, 9, 10, 11].map((i) => x.data[i]))
  })

  it('slices without a copy, in memory of a backend too', () => {
    const held = zeros(x.shape, { backend: wasm })
    held.data.set(x.data)
    const slice = sliceTokens(held, 1, 3, 2)
    held.data[4] = 42
    expect(slice.data[0]).toBe(42)
    expect(gatherTokens(slice, [0, 1, 2]).data.subarray(4)).toEqual(gatherTokens(x, [1, 3, 5]).data.subarray(4))
  })

  it('say what is wrong', () => {
    expect(() => gatherTokens(x, [7])).toThrow('gatherTokens: expected tokens in 0..6, or -1, got 7')
    expect(() => gatherTokens(x, [[0], [1]])).toThrow('expected 6 lists (one for each head), got 2')
    expect(() => scatterTokens(x, [0], 7)).toThrow('scatterTokens: x is [2, 3, 7, 4], expected [2, 3, 1, 4]')
    expect(() => sliceTokens(x, 5, 3)).toThrow('sliceTokens: expected tokens in 0..6, got 3 from 5 in steps of 1')
    expect(() => gatherTokens(x, 3 as never)).toThrow(TypeError)
  })
})
