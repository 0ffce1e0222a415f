import type { Hessian } from './hessian.ts'
import { timesSymmetric } from './output-error.ts'

/**
 * Moves the kept weights of each row towards the least squared error of the output that its mask allows: conjugate
 * gradients with the diagonal as preconditioner, all rows at once, one product with the Hessian in each step. The error
 * of no row rises.
 *
 * @param target weights before pruning, [rows, columns]
 * @param weights zero where the mask is, replaced
 */
export function refine(
  target: Float32Array,
  weights: Float32Array,
  mask: Uint8Array,
  rows: number,
  hessian: Hessian,
  steps: number,
): void {
  const { columns, damped } = hessian
  const difference = new Float32Array(weights.length)
  for (let i = 0; i < weights.length; i++) difference[i] = target[i] - weights[i]
  const residual = timesSymmetric(difference, damped, rows, columns)
  const direction = new Float32Array(weights.length)
  const sizes = new Float64Array(rows)
  for (let step = 0; step < steps; step++) {
    for (let row = 0; row < rows; row++) sizes[row] = turn(row, residual, direction, mask, hessian, sizes[row])
    const product = timesSymmetric(direction, damped, rows, columns)
    for (let row = 0; row < rows; row++) advance(row, columns, sizes[row], weights, residual, direction, product)
  }
}

/** The next direction of a row from its residual; gives residual · preconditioned residual. */
function turn(
  row: number,
  residual: Float32Array,
  direction: Float32Array,
  mask: Uint8Array,
  { columns, damped }: Hessian,
  before: number,
): number {
  const start = row * columns
  let size = 0
  for (let i = start, d = 0; i < start + columns; i++, d += columns + 1)
    if (mask[i] !== 0) size += (residual[i] * residual[i]) / damped[d]
  const share = before > 0 ? size / before : 0
  for (let i = start, d = 0; i < start + columns; i++, d += columns + 1)
    direction[i] = mask[i] === 0 ? 0 : residual[i] / damped[d] + share * direction[i]
  return size
}

function advance(
  row: number,
  columns: number,
  size: number,
  weights: Float32Array,
  residual: Float32Array,
  direction: Float32Array,
  product: Float32Array,
): void {
  const start = row * columns
  let curvature = 0
  for (let i = start; i < start + columns; i++) curvature += direction[i] * product[i]
  if (!(curvature > 0)) return
  const length = size / curvature
  for (let i = start; i < start + columns; i++) {
    weights[i] += length * direction[i]
    residual[i] -= length * product[i]
  }
}
