import type { Tensor } from '@nnz/core'
import { BlockChooser, type ChoiceOptions, type OrderOption } from './block-chooser.ts'
import { blockCounts } from './block-lists.ts'
import { expectCall, type Selection, type SelectionOptions } from './call.ts'
import { openPooling } from './pooling.ts'

/** Options of `selection.pooled`. */
export interface PooledOptions extends SelectionOptions, ChoiceOptions, OrderOption {}

/**
 * Chooses blocks by the product of the mean query and the mean key of each block: the block-sparse pattern of MInference (arXiv
 * 2407.02490) and the coarse stage of VSA (arXiv 2505.13389), for whose cubes of tokens `tileOrder` gives the order.
 *
 * @param q [heads, tokens, headDim] or [batch, heads, tokens, headDim]
 * @param k the same with keyHeads and keys
 * @returns a mask for each head (of each batch entry) and what it took; memory grows with blocks², for one head at a time
 * @throws TypeError if an argument is of the wrong kind, or without topK, density and threshold
 * @throws RangeError if shapes or options do not fit
 */
export function pooled(q: Tensor, k: Tensor, options: PooledOptions): Selection {
  const call = expectCall(q, k, options, 'selection.pooled')
  const { shape, size, scale, meter, group } = call
  const { batch, heads, keyHeads, tokens, keys, headDim } = shape
  const chooser = new BlockChooser(call, options, options.order)
  const [rows, columns] = blockCounts(size)
  const pooling = openPooling(call.backend, {
    block: Math.max(...size.blockShape),
    headDim,
    rows,
    columns,
    length: headDim,
  })
  let pooledKeys = new Float32Array(0)
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      if (h % group === 0) pooledKeys = pooling.pool(call.k, b, h / group, size.blockShape[1], 'mean').slice()
      const queries = pooling.pool(call.q, b, h, size.blockShape[0], 'mean')
      chooser.addLogits(pooling.scores(queries, pooledKeys, headDim, scale))
    }
  }
  meter.bytes = 4 * headDim * batch * (heads * tokens + keyHeads * keys)
  meter.flops = headDim * batch * (heads * tokens + keyHeads * keys + 2 * heads * rows * columns)
  const mask = chooser.finish()
  return { mask, cost: meter.cost }
}
