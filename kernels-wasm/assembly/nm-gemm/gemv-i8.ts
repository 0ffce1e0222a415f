// One column of activations, quantised to 0..127 (lib/quantise.ts), times i8 weights that keep one or two of four columns. A
// lane of a dot product is a row; its four weights meet bytes of x that two bits each pick.
import { quantise1, quantise4 } from '../lib/quantise'
import { madd } from '../lib/vector'
import { storeRows } from './gemv'

/** Scales and sums in front of the blocks of eight rows that share a scale each. */
const HEADER: usize = 64
/** A block: four vectors of weights, and one of columns. */
const BLOCK: usize = 80

/**
 * y = w * x in f32.
 *
 * @param weights  [eight rows][scale group]: 8 f32 scales, 8 i32 sums of the weights, blocks. A block has 16 columns of x, or
 *                 32 where `entries` is 1: vectors of four weights of each of four rows, for rows 0-3 and the first half of
 *                 the columns, for the same rows and the second half, and for rows 4-7 alike; then 16 bytes: byte j has in
 *                 bits 2 i and 2 i + 1 the column of byte j of vector i, in its four columns
 * @param entries  of four columns: 1 or 2
 * @param groups   of columns that share a scale, of `blocks` blocks, the last of `last` blocks
 * @param constants three vectors: where the four columns of each byte begin, in the first and in the second half; and eight
 *                 16-bit ones
 * @param x        bytes, and `parameters` (f32 scale, i32 zero), from quantiseColumn
 * @param begin, end  eights of rows
 */
export function nmGemvI8(
  weights: usize, entries: i32, groups: i32, blocks: i32, last: i32, constants: usize, m: i32,
  x: usize, parameters: usize, y: usize, yStride: usize,
  begin: i32, end: i32,
): void {
  if (entries == 1) eights(1, weights, groups, blocks, last, constants, m, x, parameters, y, yStride, begin, end)
  else eights(2, weights, groups, blocks, last, constants, m, x, parameters, y, yStride, begin, end)
}

// @ts-ignore: decorator
@inline function eights(
  E: i32, weights: usize, groups: i32, blocks: i32, last: i32, constants: usize, m: i32,
  x: usize, parameters: usize, y: usize, yStride: usize,
  begin: i32, end: i32,
): void {
  const eightBytes = <usize>groups * HEADER + <usize>((groups - 1) * blocks + last) * BLOCK
  const scale = f32x4.splat(load<f32>(parameters))
  const zero = v128.load32_splat(parameters, 4)
  const start = v128.load(constants)
  const next = v128.load(constants, 16)
  const ones = v128.load(constants, 32)
  const three = i8x16.splat(3)
  for (let eight = begin; eight < end; eight++) {
    let p = weights + <usize>eight * eightBytes
    let q = x
    let low = f32x4.splat(0)
    let high = low
    for (let group = 0; group < groups; group++) {
      let a = i32x4.splat(0)
      let b = a
      let c = a
      let d = a
      const header = p
      p += HEADER
      for (const stop = p + <usize>(group == groups - 1 ? last : blocks) * BLOCK; p < stop; p += BLOCK) {
        const bits = v128.load(p, 64)
        const x0 = v128.load(q)
        const x1 = E == 1 ? v128.load(q, 16) : x0
        const first = swizzle(x0, v128.or(v128.and(bits, three), start))
        const second = swizzle(x1, v128.or(v128.and(i32x4.shr_u(bits, 2), three), next))
        const third = swizzle(x0, v128.or(v128.and(i32x4.shr_u(bits, 4), three), start))
        const fourth = swizzle(x1, v128.or(v128.and(i32x4.shr_u(bits, 6), three), next))
        if (ASC_FEATURE_RELAXED_SIMD) {
          a = dot(v128.load(p), first, ones, a)
          b = dot(v128.load(p, 16), second, ones, b)
          c = dot(v128.load(p, 32), third, ones, c)
          d = dot(v128.load(p, 48), fourth, ones, d)
        } else {
          a = half(v128.load(p), first, false, half(v128.load(p, 16), second, false, a))
          b = half(v128.load(p), first, true, half(v128.load(p, 16), second, true, b))
          c = half(v128.load(p, 32), third, false, half(v128.load(p, 48), fourth, false, c))
          d = half(v128.load(p, 32), third, true, half(v128.load(p, 48), fourth, true, d))
        }
        q += E == 1 ? 32 : 16
      }
      const upper = ASC_FEATURE_RELAXED_SIMD ? i32x4.add(a, b) : pairs(a, b)
      const lower = ASC_FEATURE_RELAXED_SIMD ? i32x4.add(c, d) : pairs(c, d)
      low = madd(f32x4.convert_i32x4_s(i32x4.sub(upper, i32x4.mul(zero, v128.load(header, 32)))), v128.load(header), low)
      high = madd(f32x4.convert_i32x4_s(i32x4.sub(lower, i32x4.mul(zero, v128.load(header, 48)))), v128.load(header, 16), high)
    }
    storeRows(f32x4.mul(low, scale), f32x4.mul(high, scale), y + <usize>(eight << 3) * yStride, yStride, m - (eight << 3))
  }
}

/** Bytes of a by indices from 0 to 15. */
// @ts-ignore: decorator
@inline function swizzle(a: v128, indices: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(a, indices) : i8x16.swizzle(a, indices)
}

/** Adds four products in each lane. */
// @ts-ignore: decorator
@inline function dot(weights: v128, x: v128, ones: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(weights, x), ones))
}

/** Adds two products in each lane: of two rows, two lanes each. */
// @ts-ignore: decorator
@inline function half(weights: v128, x: v128, upper: bool, sum: v128): v128 {
  const w = upper ? i16x8.extend_high_i8x16_s(weights) : i16x8.extend_low_i8x16_s(weights)
  const v = upper ? i16x8.extend_high_i8x16_u(x) : i16x8.extend_low_i8x16_u(x)
  return i32x4.add(sum, i32x4.dot_i16x8_s(w, v))
}

/** Sums of neighbouring lanes: of a, then of b. */
// @ts-ignore: decorator
@inline function pairs(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7))
}

/**
 * A column as bytes, and zeros behind it up to `padded`.
 *
 * @param found    f32 scale, 16 bytes of room, i32 zero and so on: what columnScales wrote for one column
 * @param parameters gets f32 scale, i32 zero
 */
export function quantiseColumn(x: usize, stride: usize, k: i32, padded: i32, found: usize, out: usize, parameters: usize): void {
  const inverse = load<f32>(found, 16)
  const zero = load<i32>(found, 32)
  let i = 0
  if (stride == 4) {
    const inverses = f32x4.splat(inverse)
    const zeros = i32x4.splat(zero)
    for (; i + 8 <= k; i += 8, x += 32) {
      const q = i16x8.narrow_i32x4_s(quantise4(v128.load(x), inverses, zeros), quantise4(v128.load(x, 16), inverses, zeros))
      v128.store64_lane(out + <usize>i, i8x16.narrow_i16x8_u(q, q), 0)
    }
  }
  for (; i < k; i++, x += stride) store<u8>(out + <usize>i, quantise1(load<f32>(x), inverse, zero))
  memory.fill(out + <usize>k, 0, <usize>(padded - k))
  store<f32>(parameters, load<f32>(found))
  store<i32>(parameters, zero, 4)
}
