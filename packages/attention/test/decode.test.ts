import { describe, expect, it } from 'vitest'
import {
  attention,
  decodeAttention,
  js,
  kernels,
  keyValueCache,
  reference,
  type Tensor,
  tensor,
  wasm,
} from '../src/index.ts'
import { normal } from './problems.ts'
import { resolveKernelBackend } from './support.ts'

/** The tokens at `positions` of [heads, tokens, headDim]. */
function gather(x: Tensor, positions: readonly number[]): Tensor {
  const [heads, tokens, headDim] = x.shape
  const result = new Float32Array(heads * positions.length * headDim)
  for (let head = 0; head < heads; head++)
    positions.forEach((position, i) => {
      const from = (head * tokens + position) * headDim
      result.set(x.data.subarray(from, from + headDim), (head * positions.length + i) * headDim)
    })
  return tensor(result, [heads, positions.length, headDim])
}

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) expect(Math.abs(actual[i] - expected[i])).toBeLessThan(3e-6)
    else expect(actual[i]).toBe(expected[i])
  }
}

const decoders = kernels.filter(({ operation }) => operation === 'decodeAttention')

describe.each(decoders)('$name', (kernel) => {
  const backend = resolveKernelBackend(kernel)
  const cases = [
    { heads: 1, keyHeads: 1, tokens: 1, headDim: 4, pageSize: 1, length: 5 },
    { heads: 6, keyHeads: 2, tokens: 1, headDim: 64, pageSize: 16, length: 203 },
    { heads: 4, keyHeads: 4, tokens: 3, headDim: 20, pageSize: 7, length: 50 },
    { heads: 8, keyHeads: 1, tokens: 2, headDim: 128, pageSize: 64, length: 65 },
    { heads: 2, keyHeads: 2, tokens: 5, headDim: 256, pageSize: 32, length: 3 },
  ]
  it.skipIf(backend === undefined).each(cases)(
    '$heads/$keyHeads heads, $tokens tokens, $length in the cache',
    (size) => {
      const { heads, keyHeads, tokens, headDim, pageSize, length } = size
      const cache = keyValueCache({ keyHeads, headDim, pageSize, pages: Math.ceil(length / pageSize), backend })
      const [k, v] = [1, 2].map((seed) =>
        tensor(normal(keyHeads * length * headDim, seed), [keyHeads, length, headDim]),
      )
      const q = tensor(normal(heads * tokens * headDim, 3), [heads, tokens, headDim])
      const all = Array.from({ length }, (_, position) => position)
      const first = Math.min(2, length)
      cache.append(gather(k, all.slice(0, first)), gather(v, all.slice(0, first)))
      cache.append(gather(k, all.slice(first)), gather(v, all.slice(first)))
      const options = { backend, kernel: kernel.name }
      for (const causal of [true, false]) {
        const expected = reference(q, k, v, { causal })
        const actual = decodeAttention(q, cache, { ...options, causal })
        expectNear(actual.output.data, expected.output)
        expectNear(actual.logSumExp.data, expected.logSumExp)
      }
      const blocks = Array.from({ length: cache.blocks }, (_, block) => block).filter((block) => block % 2 === 0)
      const kept = all.filter((position) => blocks.includes(Math.floor(position / pageSize)))
      const expected = reference(q, gather(k, kept), gather(v, kept))
      const part = decodeAttention(q, cache, { ...options, blocks, causal: false })
      expectNear(part.output.data, expected.output)
      cache.evict(Array.from({ length: cache.blocks }, (_, block) => block).filter((block) => block % 2 === 1))
      expect([...decodeAttention(q, cache, { ...options, causal: false }).output.data]).toEqual([...part.output.data])
      const lists = Array.from({ length: keyHeads }, (_, head) => (head === 0 ? [] : blocks))
      const gathered = decodeAttention(q, cache, { ...options, blocks: keyHeads === 1 ? [] : lists, causal: false })
      const group = (heads / keyHeads) * tokens
      expect([...gathered.output.data.subarray(0, group * headDim)]).toEqual(new Array(group * headDim).fill(0))
      expect([...gathered.logSumExp.data.subarray(0, group)]).toEqual(new Array(group).fill(Number.NEGATIVE_INFINITY))
      expect([...gathered.output.data.subarray(group * headDim)]).toEqual([
        ...part.output.data.subarray(group * headDim),
      ])
      cache.dispose()
    },
  )
})

describe('keyValueCache', () => {
  const make = () => keyValueCache({ keyHeads: 2, headDim: 4, pageSize: 4, pages: 3, backend: js })
  const part = (tokens: number, seed = 1) => tensor(normal(2 * tokens * 4, seed), [2, tokens, 4])

  it('uses the pages of evicted blocks again, and reads back what was written', () => {
    const cache = make()
    const [k, v] = [part(10), part(10, 2)]
    cache.append(k, v)
    expect([cache.length, cache.blocks, cache.freePages]).toEqual([10, 3, 0])
    expect([...cache.readBlock(2).k.data]).toEqual([...gather(k, [8, 9]).data])
    expect([...cache.readBlock(0).v.data]).toEqual([...gather(v, [0, 1, 2, 3]).data])
    expect(() => cache.append(part(3), part(3))).toThrow('append needs 1 pages, 0 of 3 are free')
    expect(cache.length).toBe(10)
    cache.evict([1, 1])
    expect(cache.freePages).toBe(1)
    expect(() => cache.readBlock(1)).toThrow('block 1 was evicted')
    expect(() => decodeAttention(part(1), cache, { blocks: [1] })).toThrow('block 1 was evicted')
    cache.append(part(3, 5), part(3, 6))
    expect([cache.length, cache.blocks, cache.pageOf(1), cache.tokensOf(3)]).toEqual([13, 4, -1, 1])
    cache.writeBlock(3, part(1, 8), part(1, 9))
    expect([...cache.readBlock(3).k.data]).toEqual([...part(1, 8).data])
    cache.dispose()
    expect(() => cache.readBlock(0)).toThrow('used after dispose()')
  })

  it('decodes the same on every backend that holds it, and as attention does', async () => {
    const cache = make()
    cache.append(part(11), part(11, 2))
    const q = part(1, 7)
    const plain = decodeAttention(q, cache, { backend: js }).output.data
    expectNear(decodeAttention(q, cache).output.data, plain)
    expectNear(attention(q, part(11), part(11, 2)).output.data, plain)
    const held = keyValueCache({ keyHeads: 2, headDim: 4, pageSize: 4, pages: 3 })
    held.append(part(11), part(11, 2))
    const one = [...decodeAttention(q, held).output.data]
    for (const threads of [2, 3])
      expect([...decodeAttention(q, held, { backend: await wasm.threads(threads) }).output.data]).toEqual(one)
    held.dispose()
  })

  it('shares out the pages, with the same bits on any number of threads', async () => {
    const [length, headDim] = [5000, 128]
    const cache = keyValueCache({ keyHeads: 1, headDim, pages: 80 })
    const [k, v] = [1, 2].map((seed) => tensor(normal(length * headDim, seed), [1, length, headDim]))
    cache.append(k, v)
    const q = tensor(normal(2 * headDim, 3), [2, 1, headDim])
    const expected = reference(q, k, v)
    const one = decodeAttention(q, cache)
    expectNear(one.output.data, expected.output)
    expectNear(one.logSumExp.data, expected.logSumExp)
    for (const threads of [2, 3])
      expect(decodeAttention(q, cache, { backend: await wasm.threads(threads) }).output.data).toEqual(one.output.data)
    cache.dispose()
  })

  it('tokens that a query does not see do not count, whatever they hold', () => {
    const cache = make()
    const [k, v] = [part(7), part(7, 2)]
    for (const x of [k, v]) for (const head of [0, 1]) x.data.fill(Number.NaN, (head * 7 + 6) * 4, (head * 7 + 7) * 4)
    cache.append(k, v)
    const q = tensor(normal(2 * 2 * 4, 7), [2, 2, 4])
    for (const backend of [js, wasm.open()]) {
      const { output } = decodeAttention(q, cache, { backend })
      for (const head of [0, 1])
        expect([...output.data.subarray(head * 8, head * 8 + 4)].every(Number.isFinite)).toBe(true)
      expect(output.data[4]).toBeNaN()
    }
    cache.dispose()
  })

  it('is never written by decoding', () => {
    for (const backend of [js, wasm.open()]) {
      const cache = keyValueCache({ keyHeads: 2, headDim: 4, pageSize: 4, pages: 3, backend })
      cache.append(part(6), part(6, 2))
      const { keys, values } = cache.storage
      const before = [...keys.data, ...values.data]
      for (const [name, { data }] of Object.entries({ keys, values }))
        expect(() => decodeAttention(part(1), cache, { out: tensor(data.subarray(8, 16), [2, 1, 4]) })).toThrow(
          `decodeAttention: out overlaps the ${name} of the cache`,
        )
      expect([...keys.data, ...values.data]).toEqual(before)
      cache.dispose()
    }
  })

  const full = make()
  full.append(part(6), part(6))
  const decode = (change: Record<string, unknown>) => () => decodeAttention(part(1), full, change)

  it.each([
    ['no keys', () => full.append(undefined as never, undefined as never), 'append: k: expected a tensor'],
    ['no values', () => full.append(part(1), null as never), 'append: v: expected a tensor, got null'],
    ['no blocks to evict', () => full.evict(null as never), 'evict: expected a list of block numbers, got null'],
    ['a number to evict', () => full.evict(1 as never), 'evict: expected a list of block numbers, got 1'],
    ['lists and a number', decode({ blocks: [[1], 0] }), 'expected blocks to be a list of numbers, or lists, got 0'],
    ['a number for blocks', decode({ blocks: 1 }), 'expected blocks to be a list of numbers, or lists, got 1'],
    ['causal', decode({ causal: 'no' }), 'decodeAttention: causal: expected true or false, got "no"'],
    ['scale', decode({ scale: '1' }), 'decodeAttention: scale: expected a number, got "1"'],
    ['options', () => decodeAttention(part(1), full, null as never), 'expected options to be an object, got null'],
  ])('refuses what is of the wrong kind: %s', (_, act, message) => {
    expect(act).toThrow(TypeError)
    expect(act).toThrow(message)
    expect([full.length, full.freePages]).toEqual([6, 1])
  })

  it('says what is wrong', () => {
    const cache = make()
    cache.append(part(6), part(6))
    expect(() => keyValueCache({ keyHeads: 1, headDim: 6, pages: 1 })).toThrow('headDim to be a multiple of 4')
    expect(() => cache.append(part(2), part(3))).toThrow(RangeError)
    expect(() => cache.evict([2])).toThrow('expected a block in 0..1, got 2')
    expect(() => decodeAttention(part(1), cache, { blocks: [0, 0] })).toThrow('block 0 is given twice')
    expect(() => decodeAttention(part(1), cache, { blocks: [[0]] })).toThrow('blocks has 1 lists, expected 2')
    expect(() => decodeAttention(part(1), {} as typeof cache)).toThrow('expected cache to be a keyValueCache')
  })
})
