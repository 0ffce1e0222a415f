import type { Tensor } from '../tensor.ts'
import type { Activation } from './activation.ts'
import type { ProductArguments } from './problem.ts'

// erfc by Chebyshev fit, relative error below 1.2e-7 everywhere (Press et al., Numerical Recipes, 6.2.2): used in the
// form x/2 · erfc(-x/√2), gelu keeps that relative error in its negative tail, too.
function erfc(x: number): number {
  const z = Math.abs(x)
  const t = 1 / (1 + 0.5 * z)
  const p =
    1.00002368 +
    t *
      (0.37409196 +
        t *
          (0.09678418 +
            t *
              (-0.18628806 +
                t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))))))
  const tail = t * Math.exp(-z * z - 1.26551223 + t * p)
  return x >= 0 ? tail : 2 - tail
}

function silu(x: number): number {
  return x === Number.NEGATIVE_INFINITY ? -0 : x / (1 + Math.exp(-x))
}

const FUNCTIONS: Record<Activation, ((x: number) => number) | undefined> = {
  none: undefined,
  relu: (x) => (x > 0 || Number.isNaN(x) ? x : 0),
  gelu: (x) => (x === Number.NEGATIVE_INFINITY ? -0 : 0.5 * x * erfc(-x * Math.SQRT1_2)),
  'gelu-tanh': (x) =>
    x === Number.NEGATIVE_INFINITY ? -0 : 0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))),
  silu,
  swiglu: undefined,
}

/** Adds bias and residual to y and applies the activation, in place. For `swiglu`, y is the product with all rows of w. */
export function applyEpilogue(
  y: Tensor,
  activation: Activation,
  bias: Float32Array | undefined,
  residual: Tensor | undefined,
): void {
  const apply = FUNCTIONS[activation]
  if (!bias && !residual && !apply) return
  const [rows, columns] = y.shape
  const [rowStride, columnStride] = y.strides
  const data = y.data
  const added = residual?.data
  for (let row = 0; row < rows; row++) {
    const offset = bias ? bias[row] : 0
    for (let column = 0; column < columns; column++) {
      const at = row * rowStride + column * columnStride
      let value = data[at]
      if (bias) value += offset
      if (added) value += added[row * residual.strides[0] + column * residual.strides[1]]
      data[at] = apply ? apply(value) : value
    }
  }
}

/** y = silu(top half of `product`) · bottom half + residual. */
export function applyGate(product: Tensor, y: Tensor, residual: Tensor | undefined): void {
  const [rows, columns] = y.shape
  const half = rows * product.strides[0]
  const source = product.data
  const target = y.data
  const added = residual?.data
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = row * product.strides[0] + column * product.strides[1]
      const value = silu(source[from]) * source[from + half]
      const more = added ? added[row * residual.strides[0] + column * residual.strides[1]] : 0
      target[row * y.strides[0] + column * y.strides[1]] = added ? value + more : value
    }
  }
}

/**
 * Writes one panel of y: the activation of sums, bias and residual. `sums[width * row + j]` belongs to column
 * `column + j`; for `swiglu` the lower half of the rows gates the upper one. An element's residual is read before the
 * element is written, and by nobody later, so y may be the residual.
 */
export function finishPanel(
  sums: Float64Array,
  column: number,
  width: number,
  { y, bias, residual }: ProductArguments,
  activation: Activation,
): void {
  const [rows, columns] = y.shape
  const [rowStride, columnStride] = y.strides
  const [addedRowStride, addedColumnStride] = residual?.strides ?? [0, 0]
  const target = y.data
  const added = residual?.data
  const used = Math.min(width, columns - column)
  const gated = activation === 'swiglu'
  const apply = FUNCTIONS[activation]
  const half = rows * width
  if (!bias && !added && !gated && !apply) {
    // Nothing but the product, which most calls want: a quarter of the time of the general loop.
    for (let row = 0; row < rows; row++) {
      for (let j = 0, to = row * rowStride + column * columnStride; j < used; j++, to += columnStride) {
        target[to] = sums[row * width + j]
      }
    }
    return
  }
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < used; j++) {
      const from = row * width + j
      let value = sums[from]
      if (bias) value += bias[row]
      if (gated) value = silu(value) * (sums[from + half] + (bias ? bias[row + rows] : 0))
      if (added) value += added[row * addedRowStride + (column + j) * addedColumnStride]
      target[row * rowStride + (column + j) * columnStride] = apply ? apply(value) : value
    }
  }
}
