import type { Tensor } from '@nnz/core'
import type { Heads } from '../operands.ts'

/**
 * Some heads of one batch entry, and of their tokens the first `tokens`, as [count, tokens, headDim]; nothing is copied.
 *
 * @param heads `x`, checked
 */
export function headsOf(
  x: Tensor,
  { shape, strides }: Heads,
  batch: number,
  head: number,
  count: number,
  tokens: number = shape[2],
): Tensor {
  const from = batch * strides[0] + head * strides[1]
  return {
    dtype: x.dtype,
    shape: [count, tokens, shape[3]],
    strides: [strides[1], strides[2], 1],
    // Fresh at each access: memory of a backend may grow between two.
    get data() {
      return x.data.subarray(from)
    },
  }
}
