// Tiles of the i8 GEMM: eight rows of weights, as two vectors, by up to six columns of activations. A lane sums what one row
// and one column have in common, in i32; groups of columns of the weights are scaled and added in f32.
//
// Packed weights of a tile: for each group of columns eight i32 sums of a row's weights in the group, eight f32 scales, then
// [unit of k][8 rows][unit].
import { madd } from '../lib/vector'
import { UNIT } from './pack'

/** Bytes of sums and scales in front of a group. */
const HEADER: usize = 64
/** Bytes of a unit of eight rows. */
const STEP: usize = 8 * UNIT

/**
 * Adds the products of four rows and one column. There are two ways to do it with relaxed SIMD: `paired` by the 16-bit dot
 * product and a multiplication by `ones`, which is three instructions everywhere; else by the 32-bit one, which is one
 * instruction where processors have it (VNNI, SDOT), and five elsewhere.
 */
// @ts-ignore: decorator
@inline function dot(paired: bool, weights: v128, x: v128, ones: v128, sum: v128): v128 {
  if (!ASC_FEATURE_RELAXED_SIMD) return i32x4.add(sum, i32x4.dot_i16x8_s(weights, x))
  if (!paired) return i32x4.relaxed_dot_i8x16_i7x16_add_s(weights, x, sum)
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(weights, x), ones))
}

/** The unit of rows 0 to 3 (`half` 0) or 4 to 7, ready for {@link dot}. */
// @ts-ignore: decorator
@inline function rowsUnit(a: usize, half: usize): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? v128.load(a + 16 * half) : v128.load8x8_s(a + 8 * half)
}

/** What a zero point adds to every sum, taken off: -zero * (sum of the weights). */
// @ts-ignore: decorator
@inline function start(sums: v128, zero: usize): v128 {
  return i32x4.neg(i32x4.mul(sums, v128.load32_splat(zero)))
}

/** Scaled sums of a group, added to those before. */
// @ts-ignore: decorator
@inline function add(sums: v128, scales: v128, before: v128, first: bool): v128 {
  const values = f32x4.convert_i32x4_s(sums)
  return first ? f32x4.mul(values, scales) : madd(values, scales, before)
}

/** Four rows of one column, `rows` of them inside of the matrix. */
// @ts-ignore: decorator
@inline function put(y: usize, rowStride: usize, sums: v128, scale: usize, rows: i32): void {
  const v = f32x4.mul(sums, v128.load32_splat(scale))
  if (rowStride == 4 && rows >= 4) {
    v128.store(y, v)
    return
  }
  if (rows > 0) v128.store32_lane(y, v, 0)
  if (rows > 1) v128.store32_lane(y + rowStride, v, 1)
  if (rows > 2) v128.store32_lane(y + 2 * rowStride, v, 2)
  if (rows > 3) v128.store32_lane(y + 3 * rowStride, v, 3)
}

/**
 * @param C          columns
 * @param a          the tile of weights
 * @param units      units of k
 * @param groupUnits units of a group
 * @param x          the panel of activations
 * @param scales     f32 scale of each column
 * @param zeros      i32 zero point of each column
 * @param rows       rows inside of the matrix, 1 to 8
 */
// @ts-ignore: decorator
@inline function tile(C: i32, paired: bool, ones: v128, a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  let f0 = f32x4.splat(0)
  let g0 = f0
  let f1 = f32x4.splat(0)
  let g1 = f1
  let f2 = f32x4.splat(0)
  let g2 = f2
  let f3 = f32x4.splat(0)
  let g3 = f3
  let f4 = f32x4.splat(0)
  let g4 = f4
  let f5 = f32x4.splat(0)
  let g5 = f5
  let left = units
  do {
    const low = v128.load(a)
    const high = v128.load(a, 16)
    const lowScales = v128.load(a, 32)
    const highScales = v128.load(a, 48)
    a += HEADER
    let s0 = start(low, zeros)
    let t0 = start(high, zeros)
    let s1 = C > 1 ? start(low, zeros + 4) : low
    let t1 = C > 1 ? start(high, zeros + 4) : low
    let s2 = C > 2 ? start(low, zeros + 8) : low
    let t2 = C > 2 ? start(high, zeros + 8) : low
    let s3 = C > 3 ? start(low, zeros + 12) : low
    let t3 = C > 3 ? start(high, zeros + 12) : low
    let s4 = C > 4 ? start(low, zeros + 16) : low
    let t4 = C > 4 ? start(high, zeros + 16) : low
    let s5 = C > 5 ? start(low, zeros + 20) : low
    let t5 = C > 5 ? start(high, zeros + 20) : low
    const count = min(left, groupUnits)
    for (const end = a + <usize>count * STEP; a < end; a += STEP, x += <usize>(C << 2)) {
      const u = rowsUnit(a, 0)
      const v = rowsUnit(a, 1)
      {
        const w = v128.load32_splat(x, 0)
        s0 = dot(paired, u, w, ones, s0)
        t0 = dot(paired, v, w, ones, t0)
      }
      if (C > 1) {
        const w = v128.load32_splat(x, 4)
        s1 = dot(paired, u, w, ones, s1)
        t1 = dot(paired, v, w, ones, t1)
      }
      if (C > 2) {
        const w = v128.load32_splat(x, 8)
        s2 = dot(paired, u, w, ones, s2)
        t2 = dot(paired, v, w, ones, t2)
      }
      if (C > 3) {
        const w = v128.load32_splat(x, 12)
        s3 = dot(paired, u, w, ones, s3)
        t3 = dot(paired, v, w, ones, t3)
      }
      if (C > 4) {
        const w = v128.load32_splat(x, 16)
        s4 = dot(paired, u, w, ones, s4)
        t4 = dot(paired, v, w, ones, t4)
      }
      if (C > 5) {
        const w = v128.load32_splat(x, 20)
        s5 = dot(paired, u, w, ones, s5)
        t5 = dot(paired, v, w, ones, t5)
      }
    }
    const first = left == units
    {
      f0 = add(s0, lowScales, f0, first)
      g0 = add(t0, highScales, g0, first)
    }
    if (C > 1) {
      f1 = add(s1, lowScales, f1, first)
      g1 = add(t1, highScales, g1, first)
    }
    if (C > 2) {
      f2 = add(s2, lowScales, f2, first)
      g2 = add(t2, highScales, g2, first)
    }
    if (C > 3) {
      f3 = add(s3, lowScales, f3, first)
      g3 = add(t3, highScales, g3, first)
    }
    if (C > 4) {
      f4 = add(s4, lowScales, f4, first)
      g4 = add(t4, highScales, g4, first)
    }
    if (C > 5) {
      f5 = add(s5, lowScales, f5, first)
      g5 = add(t5, highScales, g5, first)
    }
    left -= count
  } while (left > 0)
  const lower = y + 4 * rowStride
  {
    put(y, rowStride, f0, scales, rows)
    put(lower, rowStride, g0, scales, rows - 4)
  }
  if (C > 1) {
    put(y + 1 * columnStride, rowStride, f1, scales + 4, rows)
    put(lower + 1 * columnStride, rowStride, g1, scales + 4, rows - 4)
  }
  if (C > 2) {
    put(y + 2 * columnStride, rowStride, f2, scales + 8, rows)
    put(lower + 2 * columnStride, rowStride, g2, scales + 8, rows - 4)
  }
  if (C > 3) {
    put(y + 3 * columnStride, rowStride, f3, scales + 12, rows)
    put(lower + 3 * columnStride, rowStride, g3, scales + 12, rows - 4)
  }
  if (C > 4) {
    put(y + 4 * columnStride, rowStride, f4, scales + 16, rows)
    put(lower + 4 * columnStride, rowStride, g4, scales + 16, rows - 4)
  }
  if (C > 5) {
    put(y + 5 * columnStride, rowStride, f5, scales + 20, rows)
    put(lower + 5 * columnStride, rowStride, g5, scales + 20, rows - 4)
  }
}

// One function for each number of columns and each way: together in one, the compiler computes both and selects.
// `one` is 1: a vector made of it stays out of the loop, where V8 would rebuild a literal at every use.

export function pairedByOne(one: i32, a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  tile(1, true, i16x8.splat(<i16>one), a, units, groupUnits, x, scales, zeros, y, rowStride, columnStride, rows)
}

export function pairedByTwo(one: i32, a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  tile(2, true, i16x8.splat(<i16>one), a, units, groupUnits, x, scales, zeros, y, rowStride, columnStride, rows)
}

export function pairedByThree(one: i32, a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  tile(3, true, i16x8.splat(<i16>one), a, units, groupUnits, x, scales, zeros, y, rowStride, columnStride, rows)
}

export function pairedByFour(one: i32, a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  tile(4, true, i16x8.splat(<i16>one), a, units, groupUnits, x, scales, zeros, y, rowStride, columnStride, rows)
}

export function directByOne(a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  tile(1, false, i16x8.splat(0), a, units, groupUnits, x, scales, zeros, y, rowStride, columnStride, rows)
}

export function directByTwo(a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  tile(2, false, i16x8.splat(0), a, units, groupUnits, x, scales, zeros, y, rowStride, columnStride, rows)
}

export function directByThree(a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  tile(3, false, i16x8.splat(0), a, units, groupUnits, x, scales, zeros, y, rowStride, columnStride, rows)
}

export function directByFour(a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  tile(4, false, i16x8.splat(0), a, units, groupUnits, x, scales, zeros, y, rowStride, columnStride, rows)
}

export function directByFive(a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  tile(5, false, i16x8.splat(0), a, units, groupUnits, x, scales, zeros, y, rowStride, columnStride, rows)
}

export function directBySix(a: usize, units: i32, groupUnits: i32, x: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  tile(6, false, i16x8.splat(0), a, units, groupUnits, x, scales, zeros, y, rowStride, columnStride, rows)
}
