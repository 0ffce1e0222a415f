import { gemm } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import {
  attention,
  decodeAttention,
  type KeyValueCache,
  keyValueCache,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.ts'
import { type Attend, gatherTokens, overwriteTokens, rectifiedDecoder } from '../../src/methods/index.ts'
import { distance, draw, expectNear } from './support.ts'

const [layers, heads, keyHeads, headDim, width, tokens, pageSize] = [3, 4, 2, 8, 24, 96, 4]

/** A small transformer without feed-forward layers: its errors go from layer to layer as in a large one. */
const weights = Array.from({ length: layers }, (_, layer) => ({
  q: draw([width, heads * headDim], 10 * layer + 1, 0.3),
  k: draw([width, keyHeads * headDim], 10 * layer + 2, 0.3),
  v: draw([width, keyHeads * headDim], 10 * layer + 3, 0.15),
  out: draw([heads * headDim, width], 10 * layer + 4, 0.15),
}))

/** [tokens, heads * headDim] seen as [heads, tokens, headDim]. */
function split(x: Tensor, count: number): Tensor {
  const [rows, columns] = x.shape
  return tensor(x.data, [count, rows, columns / count], { strides: [columns / count, columns, 1] })
}

function join(x: Tensor): Tensor {
  const [count, rows, size] = x.shape
  const result = new Float32Array(x.data.length)
  for (let head = 0; head < count; head++)
    for (let row = 0; row < rows; row++)
      result.set(
        x.data.subarray((head * rows + row) * size, (head * rows + row + 1) * size),
        (row * count + head) * size,
      )
  return tensor(result, [rows, count * size])
}

function forward(inputs: readonly Float32Array[], attend: Attend): readonly Float32Array[] {
  const x = zeros([inputs.length, width])
  inputs.forEach((input, row) => {
    x.data.set(input, row * width)
  })
  weights.forEach((w, layer) => {
    const [q, k, v] = [split(gemm(x, w.q), heads), split(gemm(x, w.k), keyHeads), split(gemm(x, w.v), keyHeads)]
    const update = gemm(join(attend(layer, q, k, v)), w.out)
    for (let i = 0; i < x.data.length; i++) x.data[i] += update.data[i]
  })
  return inputs.map((_, row) => x.data.slice(row * width, (row + 1) * width))
}

const inputs = Array.from({ length: tokens }, (_, token) => draw([width], 100 + token).data)

/** Keys and values of all layers, and outputs, of dense attention. */
function densely() {
  const kept: { k: Tensor; v: Tensor }[] = []
  const outputs = forward(inputs, (_, q, k, v) => {
    kept.push({ k, v })
    return attention(q, k, v, { causal: true }).output
  })
  return { outputs, kept }
}

const dense = densely()

function open(options: { interval: number; count?: number }) {
  const caches = weights.map(() => keyValueCache({ keyHeads, headDim, pageSize, pages: tokens / pageSize }))
  return { caches, decoder: rectifiedDecoder({ caches, forward, count: 3, ...options }) }
}

/** The largest difference of a cache from the keys and values of dense attention. */
function cacheError(caches: readonly KeyValueCache[]): number {
  return Math.max(
    ...caches.flatMap((cache, layer) =>
      Array.from({ length: cache.blocks }, (_, block) => {
        const { k, v } = cache.readBlock(block)
        const rows = (x: Tensor) =>
          Array.from({ length: keyHeads }, (_, head) =>
            Array.from({ length: cache.tokensOf(block) }, (_, i) => {
              const at = (block * pageSize + i) * x.strides[1] + head * x.strides[0]
              return [...x.data.subarray(at, at + headDim)]
            }),
          ).flat(2)
        return Math.max(distance(k.data, rows(dense.kept[layer].k)), distance(v.data, rows(dense.kept[layer].v)))
      }),
    ),
  )
}

describe('row 44: rectified sparse attention', () => {
  it('with interval 1 equals dense decoding', () => {
    const { caches, decoder } = open({ interval: 1 })
    inputs.forEach((input, token) => {
      expectNear(decoder.step(input), dense.outputs[token], 1e-5)
    })
    expect(cacheError(caches)).toBeLessThan(1e-5)
  })

  it('with all blocks kept equals dense decoding', () => {
    const { decoder } = open({ interval: 1000, count: 1000 })
    inputs.forEach((input, token) => {
      expectNear(decoder.step(input), dense.outputs[token], 1e-5)
    })
    expect(decoder.pending).toBe(tokens)
  })

  it('has the cache of dense decoding after each rectification, and errors like the teeth of a saw', () => {
    const interval = 8
    const { caches, decoder } = open({ interval })
    decoder.prefill(inputs.slice(0, 30))
    expect(cacheError(caches)).toBeLessThan(1e-5)
    const errors: number[] = []
    for (let token = 30; token < tokens; token++) {
      const output = decoder.step(inputs[token])
      errors.push(cacheError(caches))
      if (decoder.pending === 0) {
        expect(errors.at(-1)).toBeLessThan(1e-5)
        expectNear(output, dense.outputs[token], 1e-5)
      } else {
        // The first sparse token has an error of its own from the second layer on; it does not fall until the next time.
        expect(errors.at(-1)).toBeGreaterThan(1e-3)
        if (decoder.pending > 1) expect(errors.at(-1)).toBeGreaterThanOrEqual(errors.at(-2)!)
      }
    }
    const never = open({ interval: 1000 })
    never.decoder.prefill(inputs.slice(0, 30))
    for (let token = 30; token < tokens; token++) never.decoder.step(inputs[token])
    const last = errors.slice(-interval)
    expect(Math.max(...last)).toBeLessThanOrEqual(cacheError(never.caches))
    expect(decoder.length).toBe(tokens)
  })

  it('attends to the first block, the last, and those whose mean key fits the queries of the group best', () => {
    const [q, k, v] = [
      draw([heads, 30, headDim], 1),
      draw([keyHeads, 30, headDim], 2),
      draw([keyHeads, 30, headDim], 3),
    ]
    const caches = [keyValueCache({ keyHeads, headDim, pageSize, pages: 8 })]
    const one = rectifiedDecoder<number, Tensor>({
      caches,
      forward: (positions, attend) => {
        const part = (x: Tensor) => gatherTokens(x, positions)
        const output = attend(0, part(q), part(k), part(v))
        return positions.map((_, row) => gatherTokens(output, [row]))
      },
      interval: 1000,
      count: 4,
    })
    one.prefill([...Array(29).keys()])
    const output = one.step(29)
    const blocks = Array.from({ length: keyHeads }, (_, head) => {
      const product = (block: number) => {
        let sum = 0
        const count = caches[0].tokensOf(block)
        for (let i = 0; i < count * headDim; i++)
          for (const query of [2 * head, 2 * head + 1])
            sum +=
              (q.data[(query * 30 + 29) * headDim + (i % headDim)] *
                k.data[(head * 30 + block * pageSize) * headDim + i]) /
              count
        return sum
      }
      const best = [1, 2, 3, 4, 5, 6].sort((a, b) => product(b) - product(a)).slice(0, 2)
      return [0, ...best, 7].sort((a, b) => a - b)
    })
    expect(output).toEqual(decodeAttention(gatherTokens(q, [29]), caches[0], { blocks }).output)
  })

  it('says what is wrong', () => {
    const caches = [keyValueCache({ keyHeads, headDim, pageSize, pages: 2 })]
    expect(() => rectifiedDecoder({ caches, forward, count: 1, interval: 0 })).toThrow(
      'interval: expected a whole number',
    )
    expect(() => rectifiedDecoder({ caches: [{}] as never, forward, count: 1 })).toThrow(TypeError)
    expect(() => rectifiedDecoder({ caches, forward: 1 as never, count: 1 })).toThrow(
      'expected forward to be a function',
    )
    expect(() => rectifiedDecoder({ caches, forward, count: 1 }).prefill(3 as never)).toThrow(TypeError)
    caches[0].append(draw([keyHeads, 1, headDim], 1), draw([keyHeads, 1, headDim], 2))
    expect(() => rectifiedDecoder({ caches, forward, count: 1 })).toThrow('expected caches that are empty')
  })
})

describe('overwriteTokens', () => {
  it('replaces tokens in several blocks and leaves the others', () => {
    const cache = keyValueCache({ keyHeads, headDim, pageSize: 4, pages: 4 })
    const [k, v, fresh] = [1, 2, 3].map((seed) => draw([keyHeads, 14, headDim], seed))
    cache.append(k, v)
    const rows = tensor(fresh.data, [keyHeads, 9, headDim], { strides: [14 * headDim, headDim, 1] })
    overwriteTokens(cache, 3, rows, rows)
    for (let block = 0; block < 4; block++) {
      const { data, shape } = cache.readBlock(block).k
      for (let head = 0; head < keyHeads; head++)
        for (let i = 0; i < shape[1]; i++) {
          const token = 4 * block + i
          const [source, at] = token >= 3 && token < 12 ? [fresh, token - 3] : [k, token]
          const from = (head * 14 + at) * headDim
          const row = data.subarray((head * shape[1] + i) * headDim, (head * shape[1] + i + 1) * headDim)
          expect([...row]).toEqual([...source.data.subarray(from, from + headDim)])
        }
    }
    const before = [...cache.storage.keys.data]
    expect(() => overwriteTokens(cache, 10, v, v)).toThrow('expected tokens that are in the cache, got 14')
    expect([...cache.storage.keys.data]).toEqual(before)
    cache.dispose()
  })
})
