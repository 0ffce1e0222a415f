// Rows of a stream of i8 weights times one panel of quantised activations. The stream of a (row window, K block) holds for
// each row with entries there:
//   u32 header: row in its window | quads << 16;  f32 scale;  i32 sum of the weights
//   quads:      4 i8 weights, 4 u16 offsets = column inside the K block * 16 (12 bytes); what is missing has the weight 0
// Four rows of X are interleaved, so that a lane of a dot product sees what four weights meet in one column.
// On Zen 4 this is bound by what can be issued: 24 vector instructions and 6 loads for 128 operations.
import { madd } from '../lib/vector'

const HEADER: usize = 12
const QUAD: usize = 12

/** Interleaves the lower or upper bytes, or 16-bit words, of two vectors. */
// @ts-ignore: decorator
@inline function bytes(a: v128, b: v128, upper: bool): v128 {
  return upper
    ? i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    : i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

// @ts-ignore: decorator
@inline function words(a: v128, b: v128, upper: bool): v128 {
  return upper
    ? i8x16.shuffle(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31)
    : i8x16.shuffle(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23)
}

/** Adds four products in each lane; see core-i8/tiles.ts for `paired`. */
// @ts-ignore: decorator
@inline export function dot(paired: bool, weights: v128, x: v128, ones: v128, sum: v128): v128 {
  if (!paired) return i32x4.relaxed_dot_i8x16_i7x16_add_s(weights, x, sum)
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(weights, x), ones))
}

/** Base SIMD: the first and the last two of four rows, already as 16-bit numbers. */
// @ts-ignore: decorator
@inline function twice(first: v128, last: v128, a: v128, b: v128, c: v128, d: v128, upper: bool, sum: v128): v128 {
  const products = i32x4.add(i32x4.dot_i16x8_s(first, words(a, b, upper)), i32x4.dot_i16x8_s(last, words(c, d, upper)))
  return i32x4.add(sum, products)
}

/** Takes the zero points off, scales, and adds what was there; for the last K block the scales of the columns, too. */
// @ts-ignore: decorator
@inline export function put(area: usize, at: usize, sum: v128, total: v128, scale: v128, first: bool, last: bool, scales: usize, zeros: usize): void {
  const exact = i32x4.sub(sum, i32x4.mul(total, v128.load(zeros + at)))
  const value = f32x4.convert_i32x4_s(exact)
  const result = first ? f32x4.mul(value, scale) : madd(value, scale, v128.load(area + at))
  v128.store(area + at, last ? f32x4.mul(result, v128.load(scales + at)) : result)
}

/**
 * @param V       16 columns each, in a panel: 1 or 2
 * @param area    sums of the window's rows in f32, V * 64 bytes each
 * @param first   whether nothing was added to them before
 * @param last    whether nothing will be
 * @param scales, zeros  of the panel's columns
 */
// @ts-ignore: decorator
@inline function rows(V: i32, paired: bool, ones: v128, p: usize, end: usize, x: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  while (p < end) {
    const header = load<u32>(p)
    const total = v128.load32_splat(p, 8)
    const scale = v128.load32_splat(p, 4)
    p += HEADER
    let s0 = i32x4.splat(0)
    let s1 = s0
    let s2 = s0
    let s3 = s0
    let t0 = s0
    let t1 = s0
    let t2 = s0
    let t3 = s0
    for (const e = p + <usize>(header >> 16) * QUAD; p < e; p += QUAD) {
      const x0 = x + <usize>load<u16>(p, 4) * V
      const x1 = x + <usize>load<u16>(p, 6) * V
      const x2 = x + <usize>load<u16>(p, 8) * V
      const x3 = x + <usize>load<u16>(p, 10) * V
      if (ASC_FEATURE_RELAXED_SIMD) {
        const w = v128.load32_splat(p)
        {
          const a = bytes(v128.load(x0), v128.load(x1), false)
          const b = bytes(v128.load(x2), v128.load(x3), false)
          s0 = dot(paired, w, words(a, b, false), ones, s0)
          s1 = dot(paired, w, words(a, b, true), ones, s1)
          const c = bytes(v128.load(x0), v128.load(x1), true)
          const d = bytes(v128.load(x2), v128.load(x3), true)
          s2 = dot(paired, w, words(c, d, false), ones, s2)
          s3 = dot(paired, w, words(c, d, true), ones, s3)
        }
        if (V > 1) {
          const a = bytes(v128.load(x0, 16), v128.load(x1, 16), false)
          const b = bytes(v128.load(x2, 16), v128.load(x3, 16), false)
          t0 = dot(paired, w, words(a, b, false), ones, t0)
          t1 = dot(paired, w, words(a, b, true), ones, t1)
          const c = bytes(v128.load(x0, 16), v128.load(x1, 16), true)
          const d = bytes(v128.load(x2, 16), v128.load(x3, 16), true)
          t2 = dot(paired, w, words(c, d, false), ones, t2)
          t3 = dot(paired, w, words(c, d, true), ones, t3)
        }
      } else {
        const w = i16x8.extend_low_i8x16_s(v128.load32_zero(p))
        const u = v128.shuffle<i32>(w, w, 0, 0, 0, 0)
        const v = v128.shuffle<i32>(w, w, 1, 1, 1, 1)
        {
          const a = v128.load8x8_u(x0)
          const b = v128.load8x8_u(x1)
          const c = v128.load8x8_u(x2)
          const d = v128.load8x8_u(x3)
          s0 = twice(u, v, a, b, c, d, false, s0)
          s1 = twice(u, v, a, b, c, d, true, s1)
        }
        {
          const a = v128.load8x8_u(x0, 8)
          const b = v128.load8x8_u(x1, 8)
          const c = v128.load8x8_u(x2, 8)
          const d = v128.load8x8_u(x3, 8)
          s2 = twice(u, v, a, b, c, d, false, s2)
          s3 = twice(u, v, a, b, c, d, true, s3)
        }
        if (V > 1) {
          const a = v128.load8x8_u(x0, 16)
          const b = v128.load8x8_u(x1, 16)
          const c = v128.load8x8_u(x2, 16)
          const d = v128.load8x8_u(x3, 16)
          t0 = twice(u, v, a, b, c, d, false, t0)
          t1 = twice(u, v, a, b, c, d, true, t1)
        }
        if (V > 1) {
          const a = v128.load8x8_u(x0, 24)
          const b = v128.load8x8_u(x1, 24)
          const c = v128.load8x8_u(x2, 24)
          const d = v128.load8x8_u(x3, 24)
          t2 = twice(u, v, a, b, c, d, false, t2)
          t3 = twice(u, v, a, b, c, d, true, t3)
        }
      }
    }
    const to = area + <usize>(header & 0xffff) * (<usize>V << 6)
    put(to, 0, s0, total, scale, first, last, scales, zeros)
    put(to, 16, s1, total, scale, first, last, scales, zeros)
    put(to, 32, s2, total, scale, first, last, scales, zeros)
    put(to, 48, s3, total, scale, first, last, scales, zeros)
    if (V > 1) {
      put(to, 64, t0, total, scale, first, last, scales, zeros)
      put(to, 80, t1, total, scale, first, last, scales, zeros)
      put(to, 96, t2, total, scale, first, last, scales, zeros)
      put(to, 112, t3, total, scale, first, last, scales, zeros)
    }
  }
}

// One function for each width and way: together in one, the compiler computes both and selects. `one` is 1: a vector made
// of it stays out of the loop.

export function pairedRows1(one: i32, p: usize, end: usize, x: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(1, true, i16x8.splat(<i16>one), p, end, x, area, first, last, scales, zeros)
}

export function pairedRows2(one: i32, p: usize, end: usize, x: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(2, true, i16x8.splat(<i16>one), p, end, x, area, first, last, scales, zeros)
}

export function directRows1(p: usize, end: usize, x: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(1, false, i16x8.splat(0), p, end, x, area, first, last, scales, zeros)
}

export function directRows2(p: usize, end: usize, x: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(2, false, i16x8.splat(0), p, end, x, area, first, last, scales, zeros)
}
