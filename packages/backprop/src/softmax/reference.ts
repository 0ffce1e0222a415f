import type { Csr } from '@nnz/core'

/**
 * The definition of `sparseSoftmax`: exp(scale s) / Σ exp(scale s) over the entries of each row, in f64. A row whose
 * scores are all -infinity gives zeros.
 */
export function softmaxReference(scores: Csr, scale = 1): Float64Array {
  const result = new Float64Array(scores.nnz)
  for (let row = 0; row < scores.shape[0]; row++) {
    const [begin, end] = [scores.rowOffsets[row], scores.rowOffsets[row + 1]]
    const scaled = Array.from(scores.values.subarray(begin, end), (score) => score * scale)
    const most = scaled.reduce((a, b) => (a > b || Number.isNaN(a) ? a : b), Number.NEGATIVE_INFINITY)
    if (most === Number.NEGATIVE_INFINITY) continue
    const exponentials = scaled.map((score) => Math.exp(score - most))
    const sum = exponentials.reduce((a, b) => a + b, 0)
    exponentials.forEach((value, i) => {
      result[begin + i] = value / sum
    })
  }
  return result
}

/** The definition of `sparseSoftmaxBackward`: scale · w · (g - Σ w g) over the entries of each row, in f64. */
export function softmaxBackwardReference(weights: Csr, gradients: ArrayLike<number>, scale = 1): Float64Array {
  const result = new Float64Array(weights.nnz)
  for (let row = 0; row < weights.shape[0]; row++) {
    const [begin, end] = [weights.rowOffsets[row], weights.rowOffsets[row + 1]]
    let sum = 0
    for (let i = begin; i < end; i++) sum += weights.values[i] * gradients[i]
    for (let i = begin; i < end; i++) result[i] = scale * weights.values[i] * (gradients[i] - sum)
  }
  return result
}
