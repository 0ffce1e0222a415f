import { gemm, tensor } from '@nnz/core'

/** matrix [rows, columns] times a symmetric matrix [columns, columns]. */
export function timesSymmetric(
  matrix: Float32Array,
  symmetric: Float32Array,
  rows: number,
  columns: number,
): Float32Array {
  return gemm(tensor(matrix, [rows, columns]), tensor(symmetric, [columns, columns])).data
}

/** The squared norm of weights · X, where gram = X·Xᵀ. */
export function outputEnergy(weights: Float32Array, rows: number, columns: number, gram: Float32Array): number {
  if (weights.length === 0) return 0
  const products = timesSymmetric(weights, gram, rows, columns)
  let sum = 0
  for (let i = 0; i < weights.length; i++) sum += weights[i] * products[i]
  return Math.max(0, sum)
}

/** The squared error of a layer's output as a share of the output's square; 0 if there is no output. */
export function outputError(
  before: Float32Array,
  after: Float32Array,
  rows: number,
  columns: number,
  gram: Float32Array,
): number {
  const whole = outputEnergy(before, rows, columns, gram)
  if (whole === 0) return 0
  return (
    outputEnergy(
      before.map((weight, i) => weight - after[i]),
      rows,
      columns,
      gram,
    ) / whole
  )
}
