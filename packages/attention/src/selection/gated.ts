import { rangeError, type Tensor } from '@nnz/core'
import type { Heads } from '../operands.ts'
import { expectOptions } from '../options.ts'
import { BlockChooser, type ChoiceOptions, type OrderOption } from './block-chooser.ts'
import { blockCounts } from './block-lists.ts'
import { expectCall, type Selection, type SelectionOptions } from './call.ts'
import { expectLiveHeads } from './live-heads.ts'
import { expectPool, openPooling, type Pool, type Pooling } from './pooling.ts'

/** One side of a gate: blocks are pooled in each of these ways, the results side by side, and projected. */
export interface GateSide {
  /** For example ['maximum', 'minimum', 'mean']. */
  pools: readonly Pool[]
  /** Weights of a linear layer, [heads of queries or of keys, gateDim, pools * headDim]: rows are outputs. */
  weights: Tensor
}

/** Options of `selection.gated`. */
export interface GatedOptions extends SelectionOptions, ChoiceOptions, OrderOption {
  queries: GateSide
  keys: GateSide
}

interface CheckedSide {
  readonly pools: readonly Pool[]
  readonly weights: Heads
}

function expectSide(side: GateSide, heads: number, headDim: number, name: string): CheckedSide {
  expectOptions(side, name)
  const weights = expectLiveHeads(side.weights, `${name}.weights`)
  const pools = Array.from(side.pools ?? [], (pool) => expectPool(pool, `${name}.pools`))
  const [batch, count, , length] = weights.shape
  if (pools.length === 0 || batch !== 1 || count !== heads || length !== pools.length * headDim)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}.weights is [${weights.tensor.shape.join(', ')}], expected [${heads}, gateDim, ${pools.length} pools * ${headDim}]`,
    )
  return { pools, weights }
}

/** Rows of a head's matrix without gaps. */
function matrixOf({ data, shape, strides }: Heads, head: number): Float32Array {
  const [, , rows, columns] = shape
  const result = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    const from = head * strides[1] + row * strides[2]
    result.set(data.subarray(from, from + columns), row * columns)
  }
  return result
}

/** The pooled blocks of a head, projected: [blocks, gateDim]. */
function project(
  pooling: Pooling,
  x: Heads,
  batch: number,
  head: number,
  block: number,
  { pools, weights }: CheckedSide,
): Float32Array {
  const headDim = x.shape[3]
  const blocks = Math.ceil(x.shape[2] / block)
  const [, , gateDim, length] = weights.shape
  const features = new Float32Array(blocks * length)
  pools.forEach((pool, p) => {
    const pooled = pooling.pool(x, batch, head, block, pool)
    for (let row = 0; row < blocks; row++)
      features.set(pooled.subarray(row * headDim, (row + 1) * headDim), row * length + p * headDim)
  })
  const { data, stride } = pooling.scores(features, matrixOf(weights, head), length, 1)
  const result = new Float32Array(blocks * gateDim)
  for (let row = 0; row < blocks; row++) result.set(data.subarray(row * stride, row * stride + gateDim), row * gateDim)
  return result
}

/**
 * Chooses blocks by a learned gate: blocks of queries and of keys are pooled and projected, and their products decide
 * (SeerAttention, arXiv 2410.13276). Position encodings of the gate are the caller's: it may be given other q and k than the
 * attention. {@link blockAttention} gives what a gate is trained on.
 *
 * @param q [heads, tokens, headDim] or [batch, heads, tokens, headDim]
 * @param k the same with keyHeads and keys
 * @returns a mask for each head (of each batch entry) and what it took
 * @throws TypeError if an argument is of the wrong kind, or without topK, density and threshold
 * @throws RangeError if shapes or options do not fit
 */
export function gated(q: Tensor, k: Tensor, options: GatedOptions): Selection {
  const name = 'selection.gated'
  const call = expectCall(q, k, options, name)
  const { shape, size, meter, group } = call
  const { batch, heads, keyHeads, tokens, keys, headDim } = shape
  const querySide = expectSide(options.queries, heads, headDim, `${name}: queries`)
  const keySide = expectSide(options.keys, keyHeads, headDim, `${name}: keys`)
  const gateDim = querySide.weights.shape[2]
  if (keySide.weights.shape[2] !== gateDim || gateDim === 0 || gateDim % 4 !== 0)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected one gateDim, a multiple of 4, got ${gateDim} for queries and ${keySide.weights.shape[2]} for keys`,
    )
  const chooser = new BlockChooser(call, options, options.order)
  const [rows, columns] = blockCounts(size)
  const widest = Math.max(querySide.weights.shape[3], keySide.weights.shape[3], gateDim)
  const pooling = openPooling(call.backend, {
    block: Math.max(...size.blockShape),
    headDim,
    rows: Math.max(rows, columns),
    columns: Math.max(columns, gateDim),
    length: widest,
  })
  const scale = options.scale ?? 1 / Math.sqrt(gateDim)
  let gateKeys: Float32Array = new Float32Array(0)
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      if (h % group === 0) gateKeys = project(pooling, call.k, b, h / group, size.blockShape[1], keySide)
      const queries = project(pooling, call.q, b, h, size.blockShape[0], querySide)
      chooser.addLogits(pooling.scores(queries, gateKeys, gateDim, scale))
    }
  }
  const perSide = [
    { blocks: batch * heads * rows, tokens: batch * heads * tokens, side: querySide },
    { blocks: batch * keyHeads * columns, tokens: batch * keyHeads * keys, side: keySide },
  ]
  for (const { blocks, tokens: count, side } of perSide) {
    meter.bytes += 4 * headDim * count
    meter.flops += side.pools.length * headDim * (count + 2 * blocks * gateDim)
  }
  meter.flops += 2 * batch * heads * rows * columns * gateDim
  const mask = chooser.finish()
  return { mask, cost: meter.cost }
}
