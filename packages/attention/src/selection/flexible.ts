import { describe, rangeError, type Tensor, typeError } from '@nnz/core'
import { isArrayLike } from '../mask/checks.ts'
import type { Heads } from '../operands.ts'
import { expectFinite, expectShare } from '../patterns/values.ts'
import { softmaxRow } from './block-chooser.ts'
import { BlockLists, blockCounts, rowLimits } from './block-lists.ts'
import { Chooser } from './budget.ts'
import { expectCall, type Selection, type SelectionOptions } from './call.ts'
import { addLineBlocks } from './lines.ts'
import { openPooling } from './pooling.ts'
import { expectRequired, type RequiredBlocks } from './required.ts'
import { addTo, openSampler } from './sampling.ts'
import { LineChooser, type LineSums } from './vertical-slash.ts'

/** Options of `selection.flexible`. */
export interface FlexibleOptions extends SelectionOptions, RequiredBlocks {
  /** The share of the estimated attention that is kept; 1 keeps all. */
  threshold: number
  /** Up to this distance of the two estimates a head is query-aware, 0 to 1. Default: 0.1. */
  tolerance?: number | undefined
}

/** What `selection.flexible` returns. */
export interface FlexibleSelection extends Selection {
  /** For each head (of each batch entry) the pattern that was chosen. */
  readonly patterns: readonly ('query-aware' | 'vertical-slash')[]
  /** The square root of the Jensen-Shannon divergence that decided, in bits: 0 to 1; NaN (query-aware) where an estimate is. */
  readonly distances: readonly number[]
}

/**
 * The square root of the Jensen-Shannon divergence of two rows, each scaled to the sum 1. In bits: 0 to 1.
 *
 * @throws TypeError if a row is no array
 * @throws RangeError if their lengths differ
 */
export function jensenShannon(p: ArrayLike<number>, q: ArrayLike<number>): number {
  for (const row of [p, q])
    if (!isArrayLike(row))
      throw typeError('NNZ_TYPE', `jensenShannon: expected two arrays of numbers, got ${describe(row)}`)
  if (p.length !== q.length)
    throw rangeError('NNZ_SHAPE', `jensenShannon: expected arrays of one length, got ${p.length} and ${q.length}`)
  let [pSum, qSum] = [0, 0]
  for (let i = 0; i < p.length; i++) {
    pSum += p[i]
    qSum += q[i]
  }
  if (pSum === 0 || qSum === 0) return 0
  let divergence = 0
  for (let i = 0; i < p.length; i++) {
    const [a, b] = [p[i] / pSum, q[i] / qSum]
    const mean = (a + b) / 2
    if (a > 0) divergence += (a * Math.log2(a / mean)) / 2
    if (b > 0) divergence += (b * Math.log2(b / mean)) / 2
  }
  return Math.sqrt(Math.max(0, divergence))
}

/** The last `count` queries. */
function lastOf(q: Heads, count: number): Heads {
  const [batch, heads, tokens, headDim] = q.shape
  return { ...q, shape: [batch, heads, count, headDim], data: q.data.subarray((tokens - count) * q.strides[2]) }
}

/**
 * Chooses a pattern for each head, then its blocks (FlexPrefill, arXiv 2502.20766): where the mean of the last queries, as many as a
 * block has, foretells their attention, blocks are chosen by pooled scores, elsewhere columns and diagonals by those queries.
 *
 * @param q [heads, tokens, headDim] or [batch, heads, tokens, headDim]
 * @param k the same with keyHeads and keys
 * @returns a mask for each head (of each batch entry), what it took, and which pattern was chosen why
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes or options do not fit
 */
export function flexible(q: Tensor, k: Tensor, options: FlexibleOptions): FlexibleSelection {
  const name = 'selection.flexible'
  const call = expectCall(q, k, options, name)
  const { shape, size, causal, scale, meter, group, backend } = call
  const { batch, heads, tokens, keys, headDim, keyHeads } = shape
  const threshold = expectShare(options.threshold, `${name}: threshold`)
  const tolerance = expectFinite(options.tolerance ?? 0.1, `${name}: tolerance`)
  const required = expectRequired(options, causal, name)
  const [rows, columns] = blockCounts(size)
  const [height, width] = size.blockShape
  const last = Math.min(tokens, height)
  const lines = new LineChooser(call, { vertical: { threshold }, slash: { threshold }, lastQueries: height })

  // All sampling before all pooling: they share a workspace.
  const sampler = openSampler(backend, call)
  const sampled = Array.from({ length: batch * heads }, (_, i): LineSums & { blocks: Float32Array } => {
    const blocks = new Float32Array(columns)
    const sums = lines.sample(sampler, Math.floor(i / heads), i % heads, () => {
      addTo(blocks, sampler.blocks(width).sums)
    })
    return { ...sums, blocks }
  })

  const pooling = openPooling(backend, { block: Math.max(height, width), headDim, rows, columns, length: headDim })
  const chooser = new Chooser({ threshold }, columns)
  const lists = new BlockLists(size, causal)
  const patterns: FlexibleSelection['patterns'][number][] = []
  let pooledKeys = new Float32Array(0)
  const distances = sampled.map((head, i) => {
    const [b, h] = [Math.floor(i / heads), i % heads]
    if (h % group === 0) pooledKeys = pooling.pool(call.k, b, h / group, width, 'mean').slice()
    const estimate = pooling.scores(
      pooling.pool(lastOf(call.q, last), b, h, height, 'mean'),
      pooledKeys,
      headDim,
      scale,
    )
    softmaxRow(estimate.data, 0, columns)
    const distance = last === 0 ? 0 : jensenShannon(estimate.data.subarray(0, columns), head.blocks)
    const byLines = distance > tolerance
    patterns.push(byLines ? 'vertical-slash' : 'query-aware')
    if (byLines) {
      addLineBlocks(call, lines.choose(head), lists)
      return distance
    }
    const { data, stride } = pooling.scores(pooling.pool(call.q, b, h, height, 'mean'), pooledKeys, headDim, scale)
    for (let row = 0; row < rows; row++) {
      const limits = rowLimits(size, row, causal)
      softmaxRow(data, row * stride, limits.end)
      chooser.choose(data, row * stride, limits.end, required(limits))
      lists.addRow(chooser.chosen, chooser.count)
    }
    return distance
  })
  meter.bytes += 4 * headDim * batch * (heads * tokens + keyHeads * keys)
  meter.flops += headDim * batch * (heads * tokens + keyHeads * keys + 2 * heads * rows * columns)
  const mask = lists.finish()
  return { mask, cost: meter.cost, patterns, distances }
}
