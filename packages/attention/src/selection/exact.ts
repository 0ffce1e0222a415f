import { type Tensor, zeros } from '@nnz/core'
import { BlockChooser, type ChoiceOptions } from './block-chooser.ts'
import { blockCounts } from './block-lists.ts'
import { expectCall, type Selection, type SelectionCall, type SelectionOptions } from './call.ts'
import { openSampler, sampleAll } from './sampling.ts'

/** What blocks have of the attention map. */
export interface BlockAttention {
  /** Share of each block in the attention of its queries, their mean; rows sum to 1. [heads, block rows, block columns]. */
  readonly means: Tensor
  /** Largest weight of each block, in the same shape. */
  readonly maxima: Tensor
}

/** Calls `visit` with the shares and maxima of one head after the other, [rows * columns]. */
function forEachHead(call: SelectionCall, visit: (means: Float32Array, maxima: Float32Array) => void): void {
  const { shape, size } = call
  const [rows, columns] = blockCounts(size)
  const [height, width] = size.blockShape
  const sampler = openSampler(call.backend, call)
  const means = new Float32Array(rows * columns)
  const maxima = new Float32Array(rows * columns)
  for (let b = 0; b < shape.batch; b++) {
    for (let h = 0; h < shape.heads; h++) {
      means.fill(0)
      maxima.fill(0)
      for (let row = 0; row < rows; row++) {
        const count = Math.min(height, shape.tokens - row * height)
        const queries = Array.from({ length: count }, (_, i) => row * height + i)
        sampleAll(sampler, call, b, h, queries, () => {
          const blocks = sampler.blocks(width)
          for (let c = 0; c < columns; c++) {
            means[row * columns + c] += blocks.sums[c] / count
            maxima[row * columns + c] = Math.max(maxima[row * columns + c], blocks.maxima[c])
          }
        })
      }
      visit(means, maxima)
    }
  }
}

/**
 * The attention map, pooled: what a gate that predicts blocks is trained on (SeerAttention, arXiv 2410.13276). It costs as much
 * as the scores of dense attention, but memory for blocks² only.
 *
 * @param q [heads, tokens, headDim] or [batch, heads, tokens, headDim]
 * @param k the same with keyHeads and keys
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes or options do not fit
 */
export function blockAttention(q: Tensor, k: Tensor, options: SelectionOptions = {}): BlockAttention {
  const call = expectCall(q, k, options, 'blockAttention')
  const shape = [...q.shape.slice(0, -2), ...blockCounts(call.size)]
  const [means, maxima] = [zeros(shape), zeros(shape)]
  let at = 0
  forEachHead(call, (headMeans, headMaxima) => {
    means.data.set(headMeans, at)
    maxima.data.set(headMaxima, at)
    at += headMeans.length
  })
  return { means, maxima }
}

/** Options of `selection.exact`. */
export interface ExactOptions extends SelectionOptions, ChoiceOptions {}

/**
 * Chooses blocks by their true share of the attention, which costs as much as the scores of dense attention: the best that a
 * selector can do, and worth its price where one choice serves many steps (SparseD, arXiv 2509.24014; see {@link ReusedMask}).
 */
export function exact(q: Tensor, k: Tensor, options: ExactOptions): Selection {
  const call = expectCall(q, k, options, 'selection.exact')
  const chooser = new BlockChooser(call, options)
  const stride = blockCounts(call.size)[1]
  forEachHead(call, (data) => {
    chooser.addShares({ data, stride })
  })
  const mask = chooser.finish()
  return { mask, cost: call.meter.cost }
}
