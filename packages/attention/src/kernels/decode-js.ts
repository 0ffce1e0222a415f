import { F32_TYPES, type Packing } from '@nnz/core'
import type { KeyValueCache } from '../decode/cache.ts'
import { type DecodeArguments, type DecodeKernel, visible } from '../decode/problem.ts'
import { isFor } from './types.ts'

/** A cache is an operand already: nothing is packed. */
export class CachePacking implements Packing {
  readonly cache: KeyValueCache
  readonly bytes = 0

  constructor(cache: KeyValueCache) {
    this.cache = cache
  }

  updateValues(): void {}

  dispose(): void {}
}

/** One query of one head: softmax over the positions of its blocks. */
function decodeRow(cache: KeyValueCache, args: DecodeArguments, head: number, token: number, sums: Float64Array): void {
  const { q, scale, causal, blocks, output, logSumExp } = args
  const [, heads, tokens, headDim] = q.shape
  const { keyHeads, pageSize, length } = cache
  const { keys, values } = cache.storage
  const [keyData, valueData] = [keys.data, values.data]
  const keyHead = Math.floor((head * keyHeads) / heads)
  const end = visible(length, tokens, token, causal)
  const from = head * q.strides[1] + token * q.strides[2]
  let largest = Number.NEGATIVE_INFINITY
  let total = 0
  sums.fill(0)
  for (const block of blocks[blocks.length === 1 ? 0 : keyHead]) {
    const first = (keyHead * cache.pages + cache.pageOf(block)) * pageSize
    const count = Math.min(cache.tokensOf(block), end - block * pageSize)
    for (let slot = 0; slot < count; slot++) {
      const at = (first + slot) * headDim
      let score = 0
      for (let i = 0; i < headDim; i++) score += q.data[from + i] * keyData[at + i]
      score *= scale
      // A score of -Infinity has no weight; before the first other one there is nothing to scale.
      if (score === Number.NEGATIVE_INFINITY) continue
      if (score > largest) {
        const factor = Math.exp(largest - score)
        total *= factor
        for (let i = 0; i < headDim; i++) sums[i] *= factor
        largest = score
      }
      const weight = Math.exp(score - largest)
      total += weight
      for (let i = 0; i < headDim; i++) sums[i] += weight * valueData[at + i]
    }
  }
  const to = head * output.strides[1] + token * output.strides[2]
  for (let i = 0; i < headDim; i++) output.data[to + i] = total === 0 ? 0 : sums[i] / total
  logSumExp[head * tokens + token] = total === 0 ? Number.NEGATIVE_INFINITY : largest + Math.log(total)
}

/** The plain JavaScript row of `decodeAttention`. */
export const jsDecodeKernel: DecodeKernel = {
  name: 'decodeAttention_pages_f32__js_rows',
  operation: 'decodeAttention',
  backend: 'js',
  variant: 'js_rows',
  types: { ...F32_TYPES, accumulator: 'f64' },
  format: 'pages',
  dense: false,
  supports: (problem) => isFor('decodeAttention', problem),
  runFeatures: ({ heads, tokens, headDim, pages, pageSize }) => [1, heads * tokens * headDim * pages * pageSize],
  packFeatures: () => [0],
  pack: (cache) => new CachePacking(cache),
  plan({ headDim }, packing) {
    const { cache } = packing as CachePacking
    const sums = new Float64Array(headDim)
    return {
      run(args) {
        const [, heads, tokens] = args.q.shape
        for (let head = 0; head < heads; head++)
          for (let token = 0; token < tokens; token++) decodeRow(cache, args, head, token, sums)
      },
    }
  },
}
