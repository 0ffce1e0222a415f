import { bsr, type Tensor } from '@nnz/core'
import { type Activation, outputRows, type SparseWeights } from './problem.ts'

/**
 * c of the error bound: a kernel's sum may be off by c · 2^-24 · (Σ|w||x| + |bias| + |residual|), or by twice the error of
 * the plain f32 loop where that is more. With 4, one of 10^6 sums of 59 addends is outside.
 */
export const ERROR_FACTOR = 8

/** Operands of the reference. */
export interface ReferenceOptions {
  bias?: ArrayLike<number> | undefined
  residual?: Tensor | undefined
  activation?: Activation | undefined
}

// Abramowitz and Stegun 7.1.5 and 7.1.14: the series converges fast for small |x|, the continued fraction for large.
function erf(x: number): number {
  if (Number.isNaN(x)) return x
  const z = Math.abs(x)
  if (z > 6) return Math.sign(x)
  if (z < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; n < 100; n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction)
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)))
}

function silu(x: number): number {
  return x === Number.NEGATIVE_INFINITY ? -0 : x / (1 + Math.exp(-x))
}

function activate(x: number, activation: Activation): number {
  switch (activation) {
    case 'relu':
      return x > 0 ? x : Number.isNaN(x) ? x : 0
    case 'gelu':
      return x === Number.NEGATIVE_INFINITY ? -0 : 0.5 * x * (1 + erf(x / Math.SQRT2))
    case 'gelu-tanh':
      return x === Number.NEGATIVE_INFINITY
        ? -0
        : 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    case 'silu':
      return silu(x)
    default:
      return x
  }
}

/**
 * The definition of `spmm`: y = activation(w·x + bias + residual), summed in f64 over the stored entries only. For
 * `swiglu`, y = silu(top half of (w·x + bias)) · bottom half + residual. Slow on purpose.
 *
 * @param w [M, K]
 * @param x [K, N], any strides
 * @returns y, row-major f64, [M, N] (or [M / 2, N] for `swiglu`)
 */
export function reference(w: SparseWeights, x: Tensor, options: ReferenceOptions = {}): Float64Array {
  const [m, k] = w.shape
  const n = x.shape[1]
  const activation = options.activation ?? 'none'
  const data = x.data
  const sums = new Float64Array(m * n)
  const add = (row: number, column: number, value: number) => {
    if (row >= m || column >= k) return
    for (let j = 0; j < n; j++) sums[row * n + j] += value * data[column * x.strides[0] + j * x.strides[1]]
  }
  const [r, c] = w.layout === 'bsr' ? w.blockShape : [1, 1]
  for (let group = 0; group < w.rowOffsets.length - 1; group++) {
    for (let entry = w.rowOffsets[group]; entry < w.rowOffsets[group + 1]; entry++) {
      for (let i = 0; i < r * c; i++) {
        add(group * r + Math.floor(i / c), w.columnIndices[entry] * c + (i % c), w.values[entry * r * c + i])
      }
    }
  }
  if (options.bias) for (let i = 0; i < sums.length; i++) sums[i] += options.bias[Math.floor(i / n)]
  const residual = options.residual
  const at = (i: number) =>
    residual ? residual.data[Math.floor(i / n) * residual.strides[0] + (i % n) * residual.strides[1]] : 0
  if (activation !== 'swiglu') return sums.map((sum, i) => activate(residual ? sum + at(i) : sum, activation))
  const half = outputRows({ m, activation }) * n
  return Float64Array.from({ length: half }, (_, i) => silu(sums[i]) * sums[half + i] + at(i))
}

/** w·x with every sum of |w|·|x| instead: the scale of the rounding error of each output element. */
export function magnitudes(w: SparseWeights, x: Tensor): Float64Array {
  const absolute = { ...x, shape: x.shape, strides: x.strides, data: x.data.map(Math.abs) }
  const values = w.values.map(Math.abs)
  return reference(w.layout === 'csr' ? { ...w, values } : bsr({ ...w, values }), absolute)
}
