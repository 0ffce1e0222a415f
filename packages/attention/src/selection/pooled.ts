import type { Tensor } from '@nnz/core'
import { BlockLists, blockCounts, rowLimits } from './block-lists.ts'
import { type Budget, Chooser, expectBudget } from './budget.ts'
import { expectCall, expectFlag, keyHeadOf, type Selection, type SelectionOptions } from './call.ts'
import { type BlockScores, openPooling } from './pooling.ts'
import { expectRequired, type RequiredBlocks } from './required.ts'

/** Options of `selection.pooled`. */
export interface PooledOptions extends SelectionOptions, Budget, RequiredBlocks {
  /** Query heads that share a key head also share their blocks: the mean of their softmax decides. Default: false. */
  sharedByGroup?: boolean | undefined
}

/** `length` scores become their softmax; scores that are all -Infinity become zeros. */
export function softmaxRow(values: Float32Array, from: number, length: number): void {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = from; i < from + length; i++) if (values[i] > largest) largest = values[i]
  let total = 0
  for (let i = from; i < from + length; i++) {
    const weight = largest === Number.NEGATIVE_INFINITY ? 0 : Math.exp(values[i] - largest)
    values[i] = weight
    total += weight
  }
  if (total > 0) for (let i = from; i < from + length; i++) values[i] /= total
}

/**
 * Chooses blocks by the product of the mean query and the mean key of each block (the block-sparse pattern of MInference, arXiv
 * 2407.02490; the coarse stage of VSA, arXiv 2505.13389, whose cubes of tokens `tiles` of the permutations makes neighbours).
 *
 * @param q [heads, tokens, headDim] or [batch, heads, tokens, headDim]
 * @param k the same with keyHeads and keys
 * @returns a mask for each head (of each batch entry) and what it took; memory grows with blocks², for one head at a time
 * @throws TypeError if an argument is of the wrong kind, or without topK, density and threshold
 * @throws RangeError if shapes or options do not fit
 */
export function pooled(q: Tensor, k: Tensor, options: PooledOptions): Selection {
  const name = 'selection.pooled'
  const call = expectCall(q, k, options, name)
  const { shape, size, causal, scale, meter } = call
  const budget = expectBudget(options, name)
  const required = expectRequired(options, causal, name)
  const shared = expectFlag(options.sharedByGroup ?? false, `${name}: sharedByGroup`)
  const { batch, heads, keyHeads, tokens, keys, headDim } = shape
  const [rows, columns] = blockCounts(size)
  const pooling = openPooling(call.backend, { tokens: Math.max(tokens, keys), headDim, rows, columns, length: headDim })
  const limits = Array.from({ length: rows }, (_, row) => rowLimits(size, row, causal))
  const chooser = new Chooser(budget, columns)
  const lists = new BlockLists(size, causal)
  const masses = budget.threshold !== undefined || shared

  function chooseHead({ data, stride }: BlockScores): void {
    limits.forEach((limit, row) => {
      chooser.choose(data, row * stride, limit.end, required(limit))
      lists.addRow(chooser.chosen, chooser.count)
    })
  }

  const group = heads / keyHeads
  let pooledKeys = new Float32Array(0)
  let sum = new Float32Array(0)
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      if (h % group === 0) pooledKeys = pooling.pool(call.k, b, keyHeadOf(shape, h), size.blockShape[1], 'mean').slice()
      const queries = pooling.pool(call.q, b, h, size.blockShape[0], 'mean')
      const scores = pooling.scores(queries, pooledKeys, headDim, scale)
      if (masses) for (let row = 0; row < rows; row++) softmaxRow(scores.data, row * scores.stride, limits[row].end)
      if (!shared) chooseHead(scores)
      else {
        if (h % group === 0) sum = new Float32Array(scores.data.length)
        for (let i = 0; i < sum.length; i++) sum[i] += scores.data[i]
        if (h % group === group - 1) for (let of = 0; of < group; of++) chooseHead({ data: sum, stride: scores.stride })
      }
    }
  }
  meter.bytes = 4 * headDim * batch * (heads * tokens + keyHeads * keys)
  meter.flops = headDim * batch * (heads * tokens + keyHeads * keys + 2 * heads * rows * columns)
  const mask = lists.finish()
  return { mask, cost: meter.cost }
}
