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
      let p = from
      for (let i = 0; i < k; i++, p += rowStride) {
        const v = v128.load(p)
        low = f32x4.min(low, v)
        high = f32x4.max(high, v)
      }
      writeParameters(to, stride, f32x4.extract_lane(low, 0), f32x4.extract_lane(high, 0))
      writeParameters(to + 4, stride, f32x4.extract_lane(low, 1), f32x4.extract_lane(high, 1))
      writeParameters(to + 8, stride, f32x4.extract_lane(low, 2), f32x4.extract_lane(high, 2))
      writeParameters(to + 12, stride, f32x4.extract_lane(low, 3), f32x4.extract_lane(high, 3))
      column += 4
    } else {
      oneColumn(from, rowStride, k, to, stride)
      column++
    }
  }
}

function oneColumn(p: usize, rowStride: usize, k: i32, to: usize, stride: usize): void {
  let low: f32 = 0
  let high: f32 = 0
  let i = 0
  if (rowStride == 4 && k >= 8) {
    let low0 = f32x4.splat(0)
    let low1 = low0
    let high0 = low0
    let high1 = low0
    for (; i + 8 <= k; i += 8, p += 32) {
      const v = v128.load(p)
      const w = v128.load(p, 16)
      low0 = f32x4.min(low0, v)
      high0 = f32x4.max(high0, v)
      low1 = f32x4.min(low1, w)
      high1 = f32x4.max(high1, w)
    }
    low0 = f32x4.min(low0, low1)
    high0 = f32x4.max(high0, high1)
    low = min(min(f32x4.extract_lane(low0, 0), f32x4.extract_lane(low0, 1)), min(f32x4.extract_lane(low0, 2), f32x4.extract_lane(low0, 3)))
    high = max(max(f32x4.extract_lane(high0, 0), f32x4.extract_lane(high0, 1)), max(f32x4.extract_lane(high0, 2), f32x4.extract_lane(high0, 3)))
  }
  for (; i < k; i++, p += rowStride) {
    const v = load<f32>(p)
    low = min(low, v)
    high = max(high, v)
  }
  writeParameters(to, stride, low, high)
}

function writeParameters(to: usize, stride: usize, low: f32, high: f32): void {
  let scale: f32 = (high - low) / 127
  let inverse: f32 = 0
  let zero = 0
  if (!(scale < Infinity)) scale = NaN
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
