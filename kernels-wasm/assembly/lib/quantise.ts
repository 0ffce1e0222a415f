// Activations [k, n] in f32 to whole numbers 0..127, each column (token) with a scale and a zero point of its own:
// x = scale * (q - zero). The definition is packages/core/src/gemm/i8/activations.ts, which this follows operation by
// operation, so that every backend gets the same numbers.
//
// Parameters of the columns are three arrays of n numbers, `stride` bytes apart: f32 scale, f32 1 / scale, i32 zero.
// Strides of x are bytes; one of them should be 4, else elements are read one by one.

/** Bytes of one array of parameters: columns are read in fours. */
// @ts-ignore: decorator
@inline export function parameterBytes(n: i32): usize {
  return <usize>((n + 3) & ~3) << 2
}

/** Finds the parameters of columns. [begin, end): blocks of 16 columns. */
export function columnScales(x: usize, rowStride: usize, columnStride: usize, k: i32, n: i32, parameters: usize, begin: i32, end: i32): void {
  const stride = parameterBytes(n)
  const last = min(end << 4, n)
  for (let column = begin << 4; column < last; ) {
    const from = x + <usize>column * columnStride
    const to = parameters + (<usize>column << 2)
    if (columnStride == 4 && column + 4 <= last) {
      let low = f32x4.splat(0)
      let high = low
      let size = low
      let p = from
      for (let i = 0; i < k; i++, p += rowStride) {
        const v = v128.load(p)
        low = f32x4.pmin(low, v)
        high = f32x4.pmax(high, v)
        size = largest(size, v)
      }
      writeParameters(to, stride, f32x4.extract_lane(low, 0), f32x4.extract_lane(high, 0), f32x4.extract_lane(size, 0))
      writeParameters(to + 4, stride, f32x4.extract_lane(low, 1), f32x4.extract_lane(high, 1), f32x4.extract_lane(size, 1))
      writeParameters(to + 8, stride, f32x4.extract_lane(low, 2), f32x4.extract_lane(high, 2), f32x4.extract_lane(size, 2))
      writeParameters(to + 12, stride, f32x4.extract_lane(low, 3), f32x4.extract_lane(high, 3), f32x4.extract_lane(size, 3))
      column += 4
    } else {
      oneColumn(from, rowStride, k, to, stride)
      column++
    }
  }
}

/**
 * The larger magnitudes, compared by their bits: NaN is beyond infinity, and that beyond all others. With these beside them
 * minima and maxima need not see NaN, and are one instruction instead of six.
 */
// @ts-ignore: decorator
@inline function largest(size: v128, v: v128): v128 {
  return i32x4.max_s(size, v128.and(v, i32x4.splat(0x7fffffff)))
}

function oneColumn(p: usize, rowStride: usize, k: i32, to: usize, stride: usize): void {
  let low = f32x4.splat(0)
  let high = low
  let size = low
  let i = 0
  if (rowStride == 4) {
    let low1 = low
    let high1 = low
    let size1 = low
    for (; i + 8 <= k; i += 8, p += 32) {
      const v = v128.load(p)
      const w = v128.load(p, 16)
      low = f32x4.pmin(low, v)
      high = f32x4.pmax(high, v)
      size = largest(size, v)
      low1 = f32x4.pmin(low1, w)
      high1 = f32x4.pmax(high1, w)
      size1 = largest(size1, w)
    }
    low = f32x4.pmin(low, low1)
    high = f32x4.pmax(high, high1)
    size = i32x4.max_s(size, size1)
  }
  for (; i < k; i++, p += rowStride) {
    const v = v128.load32_zero(p)
    low = f32x4.pmin(low, v)
    high = f32x4.pmax(high, v)
    size = largest(size, v)
  }
  const half = i8x16.shuffle(low, high, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
  const both = i8x16.shuffle(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
  const lows = f32x4.pmin(both, half)
  const highs = f32x4.pmax(both, half)
  const sizes = i32x4.max_s(size, i8x16.shuffle(size, size, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  writeParameters(
    to,
    stride,
    min(f32x4.extract_lane(lows, 0), f32x4.extract_lane(lows, 1)),
    max(f32x4.extract_lane(highs, 2), f32x4.extract_lane(highs, 3)),
    reinterpret<f32>(max(i32x4.extract_lane(sizes, 0), i32x4.extract_lane(sizes, 1))),
  )
}

/** `size`: the largest magnitude, or NaN, or infinity. */
function writeParameters(to: usize, stride: usize, low: f32, high: f32, size: f32): void {
  let scale: f32 = (high - low) / 127
  let inverse: f32 = 0
  let zero = 0
  if (!(scale < Infinity) || !(size < Infinity)) scale = NaN
  else if (scale < 1.17549435e-38) scale = 0
  else {
    inverse = 1 / scale
    zero = min(127, <i32>nearest(-low * inverse))
  }
  store<f32>(to, scale)
  store<f32>(to + stride, inverse)
  store<i32>(to + 2 * stride, zero)
}

/** Four activations as whole numbers in 0..127. */
// @ts-ignore: decorator
@inline export function quantise4(x: v128, inverse: v128, zero: v128): v128 {
  const q = i32x4.add(i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(x, inverse))), zero)
  return i32x4.min_s(i32x4.max_s(q, i32x4.splat(0)), i32x4.splat(127))
}

/** One activation as a whole number in 0..127. */
// @ts-ignore: decorator
@inline export function quantise1(x: f32, inverse: f32, zero: i32): i32 {
  return i32x4.extract_lane(quantise4(f32x4.splat(x), f32x4.splat(inverse), i32x4.splat(zero)), 0)
}
