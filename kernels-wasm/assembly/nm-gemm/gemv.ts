// One column. Rows stand in slices of four, interleaved.
import { sliceTimesColumn } from '../lib/gather'
import { madd } from '../lib/vector'

const F32: i32 = 0
const BF16: i32 = 1
const F16: i32 = 2

/**
 * y = w * x for groups of four columns with one or two entries in every row. Two slices at once, which share every load of
 * x: bytes from memory are what costs, so a column takes two bits, 64 of them in a block of 16 vectors of values.
 *
 * @param values    [eight rows][group][entry][8] f32, bf16 or f16 by `type` (0, 1, 2), in whole blocks; f16 without subnormals
 * @param columns   [eight rows][block] of 16 bytes, `blocks` in each eight rows: of vector i in its block, lane j has bits 2 (i >> 2) of byte 4 (i & 3) + j
 * @param constants seven vectors: bytes of 12; 0 1 2 3 in every lane; for i from 0 to 3, bytes 4 i to 4 i + 3, each four times;
 *                  2^112 in f32
 * @param groups    of four columns; with one entry an even number
 * @param x         all groups, zeros behind its end
 * @param y         yStride bytes from element to element
 * @param begin, end  eights of rows
 */
export function nmGemvSwizzle(
  values: usize, type: i32, columns: usize, constants: usize, entries: i32, blocks: i32, groups: i32, m: i32, x: usize, y: usize, yStride: usize,
  begin: i32, end: i32,
): void {
  for (let eight = begin; eight < end; eight++) {
    const p = values + <usize>(eight * blocks) * (type == F32 ? 256 : 128)
    const q = columns + <usize>(eight * blocks) * 16
    const to = y + <usize>(eight << 3) * yStride
    const rows = m - (eight << 3)
    if (entries == 1) {
      if (type == F32) oneF32(p, q, constants, groups, x, to, yStride, rows)
      else if (type == BF16) oneBf16(p, q, constants, groups, x, to, yStride, rows)
      else oneF16(p, q, constants, groups, x, to, yStride, rows)
    } else if (type == F32) twoF32(p, q, constants, groups, x, to, yStride, rows)
    else if (type == BF16) twoBf16(p, q, constants, groups, x, to, yStride, rows)
    else twoF16(p, q, constants, groups, x, to, yStride, rows)
  }
}

/** The four elements of x that the columns ask for; `columns` has them times four. */
// @ts-ignore: decorator
@inline function pick(x: v128, columns: v128, spread: v128, lane: v128): v128 {
  return swizzle(x, v128.or(swizzle(columns, spread), lane))
}

/** Bytes of a by indices from 0 to 15. */
// @ts-ignore: decorator
@inline function swizzle(a: v128, indices: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(a, indices) : i8x16.swizzle(a, indices)
}

// @ts-ignore: decorator
@inline function two(TYPE: i32, p: usize, q: usize, constants: usize, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  const mask = v128.load(constants)
  const lane = v128.load(constants, 16)
  const spread0 = v128.load(constants, 32)
  const spread1 = v128.load(constants, 48)
  const spread2 = v128.load(constants, 64)
  const spread3 = v128.load(constants, 80)
  const power = v128.load(constants, 96)
  let a0 = f32x4.splat(0)
  let a1 = a0
  let b0 = a0
  let b1 = a0
  let four: v128
  let c: v128
  // Exits that are taken at the end alone: without them Binaryen nests the multiply-adds of a sum, and V8 spills.
  const end = x + <usize>groups * 16
  while (x < end) {
    const bits = v128.load(q)
    four = v128.load(x)
    c = v128.and(i32x4.shl(bits, 2), mask)
    a0 = madd(four32(TYPE, p, 0, power), pick(four, c, spread0, lane), a0)
    b0 = madd(four32(TYPE, p, 1, power), pick(four, c, spread1, lane), b0)
    a1 = madd(four32(TYPE, p, 2, power), pick(four, c, spread2, lane), a1)
    b1 = madd(four32(TYPE, p, 3, power), pick(four, c, spread3, lane), b1)
    if (x + 16 == end) break
    four = v128.load(x, 16)
    c = v128.and(bits, mask)
    a0 = madd(four32(TYPE, p, 4, power), pick(four, c, spread0, lane), a0)
    b0 = madd(four32(TYPE, p, 5, power), pick(four, c, spread1, lane), b0)
    a1 = madd(four32(TYPE, p, 6, power), pick(four, c, spread2, lane), a1)
    b1 = madd(four32(TYPE, p, 7, power), pick(four, c, spread3, lane), b1)
    if (x + 32 == end) break
    four = v128.load(x, 32)
    c = v128.and(i32x4.shr_u(bits, 2), mask)
    a0 = madd(four32(TYPE, p, 8, power), pick(four, c, spread0, lane), a0)
    b0 = madd(four32(TYPE, p, 9, power), pick(four, c, spread1, lane), b0)
    a1 = madd(four32(TYPE, p, 10, power), pick(four, c, spread2, lane), a1)
    b1 = madd(four32(TYPE, p, 11, power), pick(four, c, spread3, lane), b1)
    if (x + 48 == end) break
    four = v128.load(x, 48)
    c = v128.and(i32x4.shr_u(bits, 4), mask)
    a0 = madd(four32(TYPE, p, 12, power), pick(four, c, spread0, lane), a0)
    b0 = madd(four32(TYPE, p, 13, power), pick(four, c, spread1, lane), b0)
    a1 = madd(four32(TYPE, p, 14, power), pick(four, c, spread2, lane), a1)
    b1 = madd(four32(TYPE, p, 15, power), pick(four, c, spread3, lane), b1)
    q += 16
    p += TYPE == F32 ? 256 : 128
    x += 64
  }
  storeRows(f32x4.add(a0, a1), f32x4.add(b0, b1), y, yStride, rows)
}

// @ts-ignore: decorator
@inline function one(TYPE: i32, p: usize, q: usize, constants: usize, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  const mask = v128.load(constants)
  const lane = v128.load(constants, 16)
  const spread0 = v128.load(constants, 32)
  const spread1 = v128.load(constants, 48)
  const spread2 = v128.load(constants, 64)
  const spread3 = v128.load(constants, 80)
  const power = v128.load(constants, 96)
  let a0 = f32x4.splat(0)
  let a1 = a0
  let b0 = a0
  let b1 = a0
  let four: v128
  let c: v128
  // Exits that are taken at the end alone: without them Binaryen nests the multiply-adds of a sum, and V8 spills.
  const end = x + <usize>groups * 16
  while (x < end) {
    const bits = v128.load(q)
    four = v128.load(x)
    c = v128.and(i32x4.shl(bits, 2), mask)
    a0 = madd(four32(TYPE, p, 0, power), pick(four, c, spread0, lane), a0)
    b0 = madd(four32(TYPE, p, 1, power), pick(four, c, spread1, lane), b0)
    four = v128.load(x, 16)
    a1 = madd(four32(TYPE, p, 2, power), pick(four, c, spread2, lane), a1)
    b1 = madd(four32(TYPE, p, 3, power), pick(four, c, spread3, lane), b1)
    if (x + 32 == end) break
    four = v128.load(x, 32)
    c = v128.and(bits, mask)
    a0 = madd(four32(TYPE, p, 4, power), pick(four, c, spread0, lane), a0)
    b0 = madd(four32(TYPE, p, 5, power), pick(four, c, spread1, lane), b0)
    four = v128.load(x, 48)
    a1 = madd(four32(TYPE, p, 6, power), pick(four, c, spread2, lane), a1)
    b1 = madd(four32(TYPE, p, 7, power), pick(four, c, spread3, lane), b1)
    if (x + 64 == end) break
    four = v128.load(x, 64)
    c = v128.and(i32x4.shr_u(bits, 2), mask)
    a0 = madd(four32(TYPE, p, 8, power), pick(four, c, spread0, lane), a0)
    b0 = madd(four32(TYPE, p, 9, power), pick(four, c, spread1, lane), b0)
    four = v128.load(x, 80)
    a1 = madd(four32(TYPE, p, 10, power), pick(four, c, spread2, lane), a1)
    b1 = madd(four32(TYPE, p, 11, power), pick(four, c, spread3, lane), b1)
    if (x + 96 == end) break
    four = v128.load(x, 96)
    c = v128.and(i32x4.shr_u(bits, 4), mask)
    a0 = madd(four32(TYPE, p, 12, power), pick(four, c, spread0, lane), a0)
    b0 = madd(four32(TYPE, p, 13, power), pick(four, c, spread1, lane), b0)
    four = v128.load(x, 112)
    a1 = madd(four32(TYPE, p, 14, power), pick(four, c, spread2, lane), a1)
    b1 = madd(four32(TYPE, p, 15, power), pick(four, c, spread3, lane), b1)
    q += 16
    p += TYPE == F32 ? 256 : 128
    x += 128
  }
  storeRows(f32x4.add(a0, a1), f32x4.add(b0, b1), y, yStride, rows)
}

function oneF32(p: usize, q: usize, constants: usize, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  one(F32, p, q, constants, groups, x, y, yStride, rows)
}

function oneBf16(p: usize, q: usize, constants: usize, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  one(BF16, p, q, constants, groups, x, y, yStride, rows)
}

function oneF16(p: usize, q: usize, constants: usize, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  one(F16, p, q, constants, groups, x, y, yStride, rows)
}

function twoF32(p: usize, q: usize, constants: usize, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  two(F32, p, q, constants, groups, x, y, yStride, rows)
}

function twoBf16(p: usize, q: usize, constants: usize, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  two(BF16, p, q, constants, groups, x, y, yStride, rows)
}

function twoF16(p: usize, q: usize, constants: usize, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  two(F16, p, q, constants, groups, x, y, yStride, rows)
}

/** Vector i of values as f32. */
// @ts-ignore: decorator
@inline function four32(TYPE: i32, p: usize, i: i32, power: v128): v128 {
  if (TYPE == F32) return v128.load(p + <usize>(i << 4))
  const half = v128.load16x4_s(p + <usize>(i << 3))
  if (TYPE == BF16) return i32x4.shl(half, 16)
  // The exponent of f16 is 112 less than that of f32: a product with 2^112 corrects it.
  const magnitude = i32x4.shr_u(i32x4.shl(half, 17), 4)
  const sign = i32x4.shl(i32x4.shr_u(half, 31), 31)
  return v128.or(f32x4.mul(magnitude, power), sign)
}

/** Stores eight results, or as many as there are rows. */
export function storeRows(low: v128, high: v128, y: usize, yStride: usize, rows: i32): void {
  v128.store32_lane(y, low, 0)
  if (rows > 1) v128.store32_lane(y + yStride, low, 1)
  if (rows > 2) v128.store32_lane(y + 2 * yStride, low, 2)
  if (rows > 3) v128.store32_lane(y + 3 * yStride, low, 3)
  if (rows > 4) v128.store32_lane(y + 4 * yStride, high, 0)
  if (rows > 5) v128.store32_lane(y + 5 * yStride, high, 1)
  if (rows > 6) v128.store32_lane(y + 6 * yStride, high, 2)
  if (rows > 7) v128.store32_lane(y + 7 * yStride, high, 3)
}

/**
 * y = w * x for any pattern: every slice has as many steps.
 *
 * @param stream  [slice][step] of 24 bytes
 * @param x       contiguous, at most 65536 bytes
 * @param begin, end  slices
 */
export function nmGemvGather(
  stream: usize, steps: i32, m: i32, x: usize, y: usize, yStride: usize,
  begin: i32, end: i32,
): void {
  const bytes = <usize>steps * 24
  for (let slice = begin; slice < end; slice++) {
    const p = stream + <usize>slice * bytes
    const sums = sliceTimesColumn(p, p + bytes, x)
    const rows = m - (slice << 2)
    storeRows(sums, sums, y + <usize>(slice << 2) * yStride, yStride, min(rows, 4))
  }
}
