import { type Tensor, tensor } from '../../tensor.ts'

const { fround } = Math
/** Smallest normal f32: the reciprocal of a smaller scale could overflow. */
const SMALLEST = 2 ** -126

/** Activations as whole numbers in 0..127: `x[i, j] ≈ scales[j] · (data[i * n + j] - zeros[j])`. */
export interface QuantisedColumns {
  /** Row-major [K, N]. */
  readonly data: Uint8Array
  /** NaN for a column that holds a NaN or an infinity, or spans more than f32: its products are NaN. */
  readonly scales: Float32Array
  readonly zeros: Int32Array
}

/** Nearest whole number, ties to even. */
function nearest(value: number): number {
  return value + 1.5 * 2 ** 52 - 1.5 * 2 ** 52
}

/**
 * The definition of `u7` activations: each column (token) is quantised when it comes, to the range that it has, zero
 * included, so that zeros stay exact. Seven bits, since the dot products of relaxed SIMD take no more on one side; with a zero
 * point none of them is lost where activations have one sign. All backends compute these numbers, operation by operation.
 */
export function quantiseColumns({
  data: x,
  shape: [k, n],
  strides: [rowStride, columnStride],
}: Tensor): QuantisedColumns {
  const data = new Uint8Array(k * n)
  const scales = new Float32Array(n)
  const zeros = new Int32Array(n)
  for (let j = 0; j < n; j++) {
    const start = j * columnStride
    let low = 0
    let high = 0
    for (let i = 0, at = start; i < k; i++, at += rowStride) {
      low = Math.min(low, x[at])
      high = Math.max(high, x[at])
    }
    const scale = fround(fround(high - low) / 127)
    scales[j] = !(scale < Number.POSITIVE_INFINITY) ? Number.NaN : scale < SMALLEST ? 0 : scale
    if (!(scales[j] > 0)) continue
    const inverse = fround(1 / scale)
    const zero = Math.min(127, nearest(fround(-low * inverse)))
    zeros[j] = zero
    for (let i = 0, at = start; i < k; i++, at += rowStride)
      data[i * n + j] = Math.max(0, Math.min(127, nearest(fround(x[at] * inverse)) + zero))
  }
  return { data, scales, zeros }
}

/** The numbers that {@link quantiseColumns} keeps of x, as a new tensor [K, N]. */
export function roundedColumns(x: Tensor): Tensor {
  const [k, n] = x.shape
  const { data, scales, zeros } = quantiseColumns(x)
  const values = Float32Array.from(data, (q, i) => scales[i % n] * (q - zeros[i % n]))
  return tensor(values, [k, n])
}
