// Four rows, interleaved, times one column: a step is four values, one for each row, and four u16 byte offsets into x. It
// takes 24 bytes with f32 values, 16 with bf16 or f16, which arithmetic sees as f32.
import { madd } from './vector'

const F32: i32 = 0
const BF16: i32 = 1
const F16: i32 = 2

// One function for each type: together in one, the compiler computes all of them and selects.

/** Steps p..end of a slice: four sums, for four steps at once (latency), added as ((0 + 1) + (2 + 3)). */
export function sliceTimesColumn(p: usize, end: usize, x: usize): v128 {
  return slice(F32, p, end, x)
}

/** The same with bf16 values. */
export function sliceOfBf16TimesColumn(p: usize, end: usize, x: usize): v128 {
  return slice(BF16, p, end, x)
}

/** The same with f16 values that are finite; subnormals are slow. */
export function sliceOfF16TimesColumn(p: usize, end: usize, x: usize): v128 {
  return slice(F16, p, end, x)
}

// @ts-ignore: decorator
@inline function slice(type: i32, p: usize, end: usize, x: usize): v128 {
  const bytes: usize = type == F32 ? 24 : 16
  // Constants of f16 that stay out of the loop, where V8 rebuilds literals at every use: no compiler knows that this is zero.
  const zero = <i32>(end < p)
  const mask = i32x4.splat(0x8fffffff | zero)
  const factor = f32x4.splat(<f32>zero + 5.192296858534828e33)
  let s0 = f32x4.splat(0)
  let s1 = s0
  let s2 = s0
  let s3 = s0
  const fours = p + (end - p) / (4 * bytes) * (4 * bytes)
  while (p != fours) {
    s0 = step(type, p, 0, x, mask, factor, s0)
    s1 = step(type, p, bytes, x, mask, factor, s1)
    s2 = step(type, p, 2 * bytes, x, mask, factor, s2)
    s3 = step(type, p, 3 * bytes, x, mask, factor, s3)
    p += 4 * bytes
  }
  while (p != end) {
    s0 = step(type, p, 0, x, mask, factor, s0)
    p += bytes
  }
  return f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))
}

/** One entry of each of the four rows. */
// @ts-ignore: decorator
@inline function step(type: i32, p: usize, at: usize, x: usize, mask: v128, factor: v128, sum: v128): v128 {
  const offsets = type == F32 ? load<u64>(p + at, 16) : load<u64>(p + at, 8)
  let gathered = v128.load32_zero(x + <usize>(<u32>offsets & 0xffff))
  gathered = v128.load32_lane(x + <usize>(<u32>(offsets >> 16) & 0xffff), gathered, 1)
  gathered = v128.load32_lane(x + <usize>(<u32>(offsets >> 32) & 0xffff), gathered, 2)
  gathered = v128.load32_lane(x + <usize>(<u32>(offsets >> 48)), gathered, 3)
  return madd(values(type, p + at, mask, factor), gathered, sum)
}

/**
 * Four values in f32. The fields of an f16 are those of an f32, 13 bits lower and with an exponent that is 112 less: `mask`
 * clears what the sign leaves above them, `factor` is 2^112.
 */
// @ts-ignore: decorator
@inline function values(type: i32, p: usize, mask: v128, factor: v128): v128 {
  if (type == F32) return v128.load(p)
  if (type == BF16) return i32x4.shl(v128.load16x4_u(p), 16)
  return f32x4.mul(v128.and(i32x4.shl(v128.load16x4_s(p), 13), mask), factor)
}
