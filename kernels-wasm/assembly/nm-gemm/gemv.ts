// One column. Rows stand in slices of four, interleaved.
import { sliceTimesColumn } from '../lib/gather'
import { madd } from '../lib/vector'

/**
 * y = w * x for groups of four columns with the same number of entries, 1 to 4 in every row. Two slices at once, which share
 * every load of x: bytes from memory are what costs, so a column takes two bits.
 *
 * @param values  [eight rows][group][entry][8] f32
 * @param columns [eight rows][group][entry][2] bytes, one for each slice: two bits for each of its rows, row 0 lowest
 * @param table   256 vectors: byte indices that put element (two bits) of x into each lane
 * @param groups  of x, which has zeros behind its end
 * @param y       yStride bytes from element to element
 * @param begin, end  eights of rows
 */
export function nmGemvSwizzle(
  values: usize, columns: usize, table: usize, entries: i32, groups: i32, m: i32, x: usize, y: usize, yStride: usize,
  begin: i32, end: i32,
): void {
  const steps = groups * entries
  for (let eight = begin; eight < end; eight++) {
    const p = values + <usize>(eight * steps) * 32
    const q = columns + <usize>(eight * steps) * 2
    const to = y + <usize>(eight << 3) * yStride
    const rows = m - (eight << 3)
    if (entries == 1) one(p, q, table, groups, x, to, yStride, rows)
    else if (entries == 2) two(p, q, table, groups, x, to, yStride, rows)
    else many(p, q, table, entries, groups, x, to, yStride, rows)
  }
}

/** The four elements of x that a byte of columns asks for. */
// @ts-ignore: decorator
@inline function pick(x: v128, table: usize, byte: u32): v128 {
  const order = v128.load(table + <usize>(byte << 4))
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(x, order) : i8x16.swizzle(x, order)
}

function two(p: usize, q: usize, table: usize, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  let a = f32x4.splat(0)
  let b = a
  let c = a
  let d = a
  for (const end = x + (<usize>groups << 4); x < end; x += 16, p += 64, q += 4) {
    const four = v128.load(x)
    const bytes = load<u32>(q)
    a = madd(v128.load(p), pick(four, table, bytes & 0xff), a)
    b = madd(v128.load(p, 16), pick(four, table, (bytes >> 8) & 0xff), b)
    c = madd(v128.load(p, 32), pick(four, table, (bytes >> 16) & 0xff), c)
    d = madd(v128.load(p, 48), pick(four, table, bytes >> 24), d)
  }
  storeRows(f32x4.add(a, c), f32x4.add(b, d), y, yStride, rows)
}

/** Two groups at once: else multiply-adds would wait for each other. */
function one(p: usize, q: usize, table: usize, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  let a = f32x4.splat(0)
  let b = a
  let c = a
  let d = a
  for (const end = x + (<usize>(groups >> 1) << 5); x < end; x += 32, p += 64, q += 4) {
    const four = v128.load(x)
    const next = v128.load(x, 16)
    const bytes = load<u32>(q)
    a = madd(v128.load(p), pick(four, table, bytes & 0xff), a)
    b = madd(v128.load(p, 16), pick(four, table, (bytes >> 8) & 0xff), b)
    c = madd(v128.load(p, 32), pick(next, table, (bytes >> 16) & 0xff), c)
    d = madd(v128.load(p, 48), pick(next, table, bytes >> 24), d)
  }
  if (groups & 1) {
    const four = v128.load(x)
    a = madd(v128.load(p), pick(four, table, load<u8>(q)), a)
    b = madd(v128.load(p, 16), pick(four, table, load<u8>(q, 1)), b)
  }
  storeRows(f32x4.add(a, c), f32x4.add(b, d), y, yStride, rows)
}

function many(p: usize, q: usize, table: usize, entries: i32, groups: i32, x: usize, y: usize, yStride: usize, rows: i32): void {
  let a = f32x4.splat(0)
  let b = a
  for (const end = x + (<usize>groups << 4); x < end; x += 16) {
    const four = v128.load(x)
    for (let i = 0; i < entries; i++, p += 32, q += 2) {
      a = madd(v128.load(p), pick(four, table, load<u8>(q)), a)
      b = madd(v128.load(p, 16), pick(four, table, load<u8>(q, 1)), b)
    }
  }
  storeRows(a, b, y, yStride, rows)
}

/** Stores eight results, or as many as there are rows. */
function storeRows(low: v128, high: v128, y: usize, yStride: usize, rows: i32): void {
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
