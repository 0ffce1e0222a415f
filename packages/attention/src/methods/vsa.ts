import { rangeError, type Tensor } from '@nnz/core'
import { type AttentionResult, attention } from '../attention.ts'
import { attentionBackward, type Gradients } from '../backward.ts'
import { type BlockMask, elementWords, FULL } from '../mask/block-mask.ts'
import { expectExtent } from '../mask/checks.ts'
import { blockMask } from '../mask/index.ts'
import { expectOptions } from '../options.ts'
import { pooled } from '../selection/pooled.ts'
import { expectSelfAttention, type MethodOptions } from './checks.ts'
import { compressTokens, compressTokensBackward } from './compress.ts'
import { expectGates, gatedSum, gatedSumBackward } from './gates.ts'
import { type Extents, type Tiles, tilesOf } from './tiles.ts'
import { gatherTokens, scatterTokens } from './tokens.ts'

/** Options of {@link vsa}. */
export interface VsaOptions extends MethodOptions {
  /** Extents of the video: tokens are in the order of [frames, rows, columns]. */
  shape: Extents
  /** Extents of a tile. Default: [4, 4, 4]. */
  tile?: Extents | undefined
  /** Tiles of keys that each tile of queries attends to. */
  count: number
}

/** What {@link vsa} returns. */
export interface VsaResult {
  /** In the shape of q. */
  readonly output: Tensor
  /** Attention of the tiles' means to each other: a token for each tile. */
  readonly coarse: AttentionResult
  /** Attention inside the chosen tiles: tokens in the order of the tiles, with empty slots. */
  readonly fine: AttentionResult
  /** The chosen tiles, in the order of `fine`. */
  readonly mask: BlockMask
}

/** What {@link vsaBackward} needs: the operands, the result and the options of the forward call. */
export interface VsaSaved extends VsaOptions, VsaResult {
  q: Tensor
  k: Tensor
  v: Tensor
  gates: Tensor
}

interface Call {
  readonly tiles: Tiles
  readonly count: number
  readonly execution: MethodOptions
}

function expectCall(q: Tensor, k: Tensor, v: Tensor, gates: Tensor, options: VsaOptions, name: string): Call {
  expectOptions(options, name)
  const { shape, tile = [4, 4, 4], count, scale, backend } = options
  expectExtent(count, 1, `${name}: count`)
  const tiles = tilesOf(shape, tile, name)
  const { tokens } = expectSelfAttention(q, k, v, name)
  if (tokens !== tiles.tileOf.length)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected ${tiles.tileOf.length} tokens ([${shape.join(', ')}]), got ${tokens}`,
    )
  expectGates(gates, q, 2, name)
  return { tiles, count, execution: { scale, backend } }
}

const wholeTiles = ({ size }: Tiles) => ({ length: size, stride: size, weights: new Float64Array(size).fill(1) })

function divideByCounts(x: Tensor, counts: Int32Array): Tensor {
  const headDim = x.shape.at(-1)!
  for (let i = 0; i < x.data.length; i++) x.data[i] /= counts[Math.floor(i / headDim) % counts.length]
  return x
}

/** The mean of each tile, of tokens in slots; empty slots are zeros. */
function tileMeans(x: Tensor, tiles: Tiles): Tensor {
  return divideByCounts(compressTokens(x, wholeTiles(tiles)), tiles.counts)
}

/** Adds the gradient of the tokens in slots, given that of the means. */
function addTileMeansBackward(dMeans: Tensor, x: Tensor, tiles: Tiles, to: Tensor): void {
  const { dX } = compressTokensBackward(divideByCounts(dMeans, tiles.counts), x, wholeTiles(tiles))
  for (let i = 0; i < dX.data.length; i++) to.data[i] += dX.data[i]
}

/** A mask of tiles as one of their slots, of which the empty ones are left out as keys. */
function slotMask(chosen: BlockMask, { order, counts, size }: Tiles): BlockMask {
  const words = Math.ceil(size / 32)
  const ragged = [...counts.keys()].filter((tile) => counts[tile] < size)
  const elements = new Uint32Array(ragged.length * elementWords([size, size]))
  ragged.forEach((tile, mask) => {
    for (let slot = 0; slot < size; slot++)
      if (order[tile * size + slot] >= 0)
        for (let row = 0; row < size; row++) elements[(mask * size + row) * words + (slot >>> 5)] |= 1 << (slot & 31)
  })
  const partialOf = Uint32Array.from(counts, (_, tile) => (counts[tile] < size ? ragged.indexOf(tile) : FULL))
  return blockMask({
    blockShape: [size, size],
    heads: chosen.heads,
    rows: order.length,
    columns: order.length,
    rowOffsets: chosen.rowOffsets,
    columnIndices: chosen.columnIndices,
    partialIndices: chosen.columnIndices.map((tile) => partialOf[tile]),
    elements,
  })
}

/**
 * Video Sparse Attention (arXiv 2505.13389): tokens are taken in tiles of frames, rows and columns. In the coarse stage the
 * tiles' means attend to each other; in the fine stage the tokens of a tile attend to those of the tiles that it attends to
 * most. Gates weigh the two.
 *
 * @param q [heads, tokens, headDim], or with a batch axis; k and v [keyHeads, tokens, headDim]
 * @param gates of the coarse and the fine stage, [heads, tokens, 2], or [heads, tokens, 2 * headDim] for each element
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes or options do not fit
 */
export function vsa(q: Tensor, k: Tensor, v: Tensor, gates: Tensor, options: VsaOptions): VsaResult {
  const { tiles, count, execution } = expectCall(q, k, v, gates, options, 'vsa')
  const { order, tileOf } = tiles
  const [queries, keys, values] = [q, k, v].map((x) => gatherTokens(x, order))
  const [coarseQ, coarseK, coarseV] = [queries, keys, values].map((x) => tileMeans(x, tiles))
  const coarse = attention(coarseQ, coarseK, coarseV, execution)
  const { mask: chosen } = pooled(coarseQ, coarseK, { ...execution, blockShape: [1, 1], topK: count })
  const mask = slotMask(chosen, tiles)
  const fine = attention(queries, keys, values, { ...execution, mask })
  const outputs = [gatherTokens(coarse.output, tileOf), scatterTokens(fine.output, order, tileOf.length)]
  return { output: gatedSum(outputs, gates, 'vsa'), coarse, fine, mask }
}

/**
 * Gradients of {@link vsa}. Which tiles are chosen is taken as given; the coarse stage has its gradient by its output.
 *
 * @param saved what the forward call read and returned, with its options
 * @returns gradients in the shapes of q, k, v and gates
 */
export function vsaBackward(dOutput: Tensor, saved: VsaSaved): Gradients & { dGates: Tensor } {
  const name = 'vsaBackward'
  expectOptions(saved, name)
  const { q, k, v, gates, coarse, fine, mask } = saved
  const { tiles, execution } = expectCall(q, k, v, gates, saved, name)
  const { order, tileOf, counts } = tiles
  const outputs = [gatherTokens(coarse.output, tileOf), scatterTokens(fine.output, order, tileOf.length)]
  const { dOutputs, dGates } = gatedSumBackward(dOutput, outputs, gates, name)
  const slots = [q, k, v].map((x) => gatherTokens(x, order))
  const means = slots.map((x) => tileMeans(x, tiles))
  const { scale, backend } = execution
  const stage = (slope: Tensor, [q, k, v]: Tensor[], result: AttentionResult, mask?: BlockMask) =>
    attentionBackward(slope, { q, k, v, ...result, mask, scale }, { backend })
  const coarseGradients = stage(scatterTokens(dOutputs[0], tileOf, counts.length), means, coarse)
  const fineGradients = stage(gatherTokens(dOutputs[1], order), slots, fine, mask)
  const [dQ, dK, dV] = (['dQ', 'dK', 'dV'] as const).map((gradient, i) => {
    addTileMeansBackward(coarseGradients[gradient], slots[i], tiles, fineGradients[gradient])
    return scatterTokens(fineGradients[gradient], order, tileOf.length)
  })
  return { dQ, dK, dV, dGates }
}
