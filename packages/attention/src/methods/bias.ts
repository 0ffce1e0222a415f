import { isTensor, rangeError, type Tensor, tensor, zeros } from '@nnz/core'
import { type AttentionResult, attention } from '../attention.ts'
import { attentionBackward, type Gradients } from '../backward.ts'
import type { BlockMask } from '../mask/block-mask.ts'
import { blockMask } from '../mask/index.ts'
import { expectHeads, expectShape } from '../operands.ts'
import { expectOptions } from '../options.ts'
import { expectFinite } from '../patterns/values.ts'
import { LARGEST_HEAD_DIM } from '../problem.ts'
import type { MethodOptions } from './checks.ts'
import { asColumn, gatherNumbers, rowMajor, scatterTokens, sliceTokens, tokensFrom } from './tokens.ts'

/** Queries that are computed at once, at most. */
const TILE = 32

/** What {@link attentionWithBiasBackward} needs: the operands, the result and the options of the forward call. */
export interface BiasSaved extends MethodOptions, AttentionResult {
  q: Tensor
  k: Tensor
  v: Tensor
  bias: Tensor
}

interface Call {
  readonly keyHeads: number
  readonly tokens: number
  readonly keys: number
  readonly headDim: number
  readonly scale: number
  readonly bias: Float32Array
}

function expectCall(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, options: MethodOptions, name: string): Call {
  expectOptions(options, name)
  const [batch, , tokens, headDim] = expectHeads(q, `${name}: q`).shape
  const key = expectHeads(k, `${name}: k`)
  const [, keyHeads, keys] = key.shape
  if (batch !== 1 || headDim > LARGEST_HEAD_DIM - 4)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected one batch entry with a headDim up to ${LARGEST_HEAD_DIM - 4}, got ${batch} with ${headDim}`,
    )
  expectShape(key, [1, keyHeads, keys, headDim], `${name}: k`)
  expectShape(expectHeads(v, `${name}: v`), [1, keyHeads, keys, headDim], `${name}: v`)
  const scale = expectFinite(options.scale ?? 1 / Math.sqrt(headDim), `${name}: scale`)
  if (!isTensor(bias) || bias.data.length !== tokens * keys)
    throw rangeError('NNZ_SHAPE', `${name}: expected a bias [${tokens}, ${keys}] (queries, keys), row-major`)
  for (const value of bias.data)
    if (Number.isNaN(value) || value === Number.POSITIVE_INFINITY)
      throw rangeError('NNZ_VALUE', `${name}: expected a bias of finite numbers or -Infinity, got ${value}`)
  return { keyHeads, tokens, keys, headDim, scale, bias: bias.data }
}

/** Columns that a tile needs beside headDim: one for each of its queries, a multiple of 4. */
const widthOf = ({ tokens, headDim }: Call) => Math.min(TILE, Math.ceil(tokens / 4) * 4, LARGEST_HEAD_DIM - headDim)

/** Calls `visit` for each tile of queries. */
function forEachTile(call: Call, visit: (first: number, rows: number, width: number) => void): void {
  const width = widthOf(call)
  for (let first = 0; first < call.tokens; first += width) visit(first, Math.min(width, call.tokens - first), width)
}

/** Rows [heads, tokens, headDim] times `factor`, each followed by `width` more elements. */
function widen(x: Tensor, factor: number, width: number, more: (row: number, i: number) => number): Tensor {
  const [heads, tokens, headDim] = x.shape.slice(-3)
  const wide = headDim + width
  const source = rowMajor(expectHeads(x, 'x'))
  const data = new Float32Array(heads * tokens * wide)
  for (let row = 0; row < heads * tokens; row++) {
    for (let i = 0; i < headDim; i++) data[row * wide + i] = factor * source[row * headDim + i]
    for (let i = 0; i < width; i++) data[row * wide + headDim + i] = more(row % tokens, i)
  }
  return tensor(data, [heads, tokens, wide])
}

/** The first `headDim` elements of rows, times `factor`. */
function narrow(x: Tensor, headDim: number, factor = 1): Tensor {
  const [heads, tokens, wide] = x.shape
  const result = zeros([heads, tokens, headDim])
  for (let row = 0; row < heads * tokens; row++)
    for (let i = 0; i < headDim; i++) result.data[row * headDim + i] = factor * x.data[row * wide + i]
  return result
}

/**
 * A bias is an inner product: query i of a tile gets the i-th unit vector appended, a key its biases for the queries of the
 * tile. The kernels for attention without a bias then compute attention with one, and its gradient.
 */
function tileOperands(
  { keys, scale, bias }: Call,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  first: number,
  rows: number,
  width: number,
): { q: Tensor; k: Tensor; v: Tensor; mask: BlockMask | undefined; scale: 1 } {
  const at = (row: number, key: number) => bias[(first + row) * keys + key]
  const biasOf = (key: number, row: number) =>
    row < rows && at(row, key) > Number.NEGATIVE_INFINITY ? at(row, key) : 0
  const without = bias.subarray(first * keys, (first + rows) * keys).includes(Number.NEGATIVE_INFINITY)
  return {
    q: widen(sliceTokens(q, first, rows), scale, width, (row, i) => Number(i === row)),
    k: widen(k, 1, width, biasOf),
    v: widen(v, 1, width, () => 0),
    mask: without
      ? blockMask.fromPredicate((_, row, key) => at(row, key) > Number.NEGATIVE_INFINITY, {
          blockShape: [width, 64],
          rows,
          columns: keys,
        })
      : undefined,
    scale: 1,
  }
}

/**
 * Attention softmax(scale q kᵀ + bias) v with one bias for all heads, on the kernels of `attention`. Work is that of attention
 * with a headDim larger by up to 32.
 *
 * @param q [heads, tokens, headDim], headDim up to 252; k and v [keyHeads, keys, headDim]
 * @param bias [tokens, keys], row-major; -Infinity leaves a pair out
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit, or a bias is neither finite nor -Infinity
 */
export function attentionWithBias(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  bias: Tensor,
  options: MethodOptions = {},
): AttentionResult {
  const call = expectCall(q, k, v, bias, options, 'attentionWithBias')
  const { tokens, headDim } = call
  const output = zeros(q.shape)
  const logSumExp = zeros(q.shape.slice(0, -1))
  forEachTile(call, (first, rows, width) => {
    const { q: query, k: key, v: value, ...pattern } = tileOperands(call, q, k, v, first, rows, width)
    const part = attention(query, key, value, { ...pattern, backend: options.backend })
    scatterTokens(narrow(part.output, headDim), tokensFrom(first, rows), tokens, output)
    scatterTokens(asColumn(part.logSumExp), tokensFrom(first, rows), tokens, asColumn(logSumExp))
  })
  return { output, logSumExp }
}

/**
 * Gradients of {@link attentionWithBias}; that of a pair which is left out is 0.
 *
 * @param saved what the forward call read and returned, with its options
 * @returns dQ, dK, dV and dBias in the shapes of the operands
 */
export function attentionWithBiasBackward(dOutput: Tensor, saved: BiasSaved): Gradients & { dBias: Tensor } {
  const name = 'attentionWithBiasBackward'
  expectOptions(saved, name)
  const { q, k, v, bias, output, logSumExp, backend } = saved
  const call = expectCall(q, k, v, bias, saved, name)
  const { keyHeads, tokens, keys, headDim, scale } = call
  const dQ = zeros(q.shape)
  const dK = zeros(k.shape)
  const dV = zeros(v.shape)
  const dBias = zeros([tokens, keys])
  forEachTile(call, (first, rows, width) => {
    const widened = (x: Tensor) => widen(sliceTokens(x, first, rows), 1, width, () => 0)
    const gradients = attentionBackward(
      widened(dOutput),
      {
        ...tileOperands(call, q, k, v, first, rows, width),
        output: widened(output),
        logSumExp: gatherNumbers(logSumExp, tokensFrom(first, rows)),
      },
      { backend },
    )
    scatterTokens(narrow(gradients.dQ, headDim, scale), tokensFrom(first, rows), tokens, dQ)
    const all = tokensFrom(0, keys)
    scatterTokens(narrow(gradients.dK, headDim), all, keys, dK)
    scatterTokens(narrow(gradients.dV, headDim), all, keys, dV)
    for (let key = 0; key < keyHeads * keys; key++)
      for (let row = 0; row < rows; row++)
        dBias.data[(first + row) * keys + (key % keys)] += gradients.dK.data[key * (headDim + width) + headDim + row]
  })
  return { dQ, dK, dV, dBias }
}
