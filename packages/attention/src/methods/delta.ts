import { type Tensor, zeros } from '@nnz/core'
import { attention } from '../attention.ts'
import { expectExtent } from '../mask/checks.ts'
import { expectHeads, expectShape } from '../operands.ts'
import { expectOptions } from '../options.ts'
import { expectFlag } from '../patterns/values.ts'
import type { MethodOptions } from './checks.ts'
import { rangeMask } from './ranges.ts'
import { rowMajor, sliceTokens } from './tokens.ts'

/** Options of {@link deltaCorrection}. */
export interface DeltaOptions extends MethodOptions {
  /** Every stride-th query is attended densely, beginning with the first. Default: 64. */
  stride?: number | undefined
  /** As for `attention`. Default: true. */
  causal?: boolean | undefined
}

/**
 * Delta Attention (arXiv 2505.11254): the output of any sparse attention, corrected by what it misses. Every `stride`-th
 * query is attended densely; its difference from the sparse output is added to that query and to those up to the next.
 * Dense work is 1 / stride of full attention.
 *
 * @param q [heads, tokens, headDim], or with a batch axis; k and v as for `attention`
 * @param sparse output of a sparse attention for the same operands, in the shape of q
 * @returns the corrected output, in the shape of q
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit or the stride is not a whole number from 1 up
 */
export function deltaCorrection(q: Tensor, k: Tensor, v: Tensor, sparse: Tensor, options: DeltaOptions = {}): Tensor {
  const name = 'deltaCorrection'
  expectOptions(options, name)
  const { stride = 64, causal = true, scale, backend } = options
  expectExtent(stride, 1, `${name}: stride`)
  expectFlag(causal, `${name}: causal`)
  const { shape } = expectHeads(q, `${name}: q`)
  const [, , tokens, headDim] = shape
  expectShape(expectHeads(sparse, `${name}: sparse`), shape, `${name}: sparse`)
  const keys = expectHeads(k, `${name}: k`).shape[2]
  const rows = Math.ceil(tokens / stride)
  // Query r of the dense ones is query r * stride of all.
  const mask = causal
    ? rangeMask((row) => [0, row * stride + 1 + keys - tokens], { blockShape: [64, 64], rows, columns: keys })
    : undefined
  const dense = attention(sliceTokens(q, 0, rows, stride), k, v, { mask, scale, backend }).output.data
  const source = rowMajor(expectHeads(sparse, name))
  const result = zeros(q.shape)
  const { data } = result
  for (let row = 0; row * headDim < source.length; row++) {
    const query = row % tokens
    const group = (row - query) / tokens
    const anchor = query - (query % stride)
    const from = (group * tokens + anchor) * headDim
    const exact = (group * rows + anchor / stride) * headDim
    for (let i = 0; i < headDim; i++) {
      // The dense queries themselves are exact.
      data[row * headDim + i] =
        query === anchor ? dense[exact + i] : source[row * headDim + i] + (dense[exact + i] - source[from + i])
    }
  }
  return result
}
