// N = 1. Rows stand in slices of four (SELL-4), interleaved: one step of a slice is four f32 values, one for each row, and
// four u16 byte offsets into x (24 bytes). Shorter rows of a slice are padded with zeros that point at a zero behind x.

import { madd } from '../lib/vector'

/**
 * y = w * x for one column. Slices of a K block follow each other; a slice's rows are in `rows`.
 *
 * @param stream  per [K block][slice]: its steps
 * @param offsets u32 byte offset into the stream for each [K block][slice], and one more: the end
 * @param rows    u32 row of each lane of each slice; lanes beyond the last row repeat a lane of their slice that comes earlier
 *                and are stored first
 * @param x       K blocks of kBlock floats, each with a zero behind it: block b at b * (kBlock + 4) * 4
 * @param yStride bytes from element to element
 * @param begin, end  slices
 */
export function spmvSell(
  stream: usize, offsets: usize, rows: usize, slices: i32, kBlocks: i32, kBlock: i32, x: usize, y: usize, yStride: usize,
  begin: i32, end: i32,
): void {
  for (let slice = begin; slice < end; slice++) {
    let total = f32x4.splat(0)
    for (let block = 0; block < kBlocks; block++) {
      const at = offsets + <usize>((block * slices + slice) << 2)
      const sum = sliceTimesColumn(stream + load<u32>(at), stream + load<u32>(at, 4), x + <usize>(block * (kBlock + 4)) * 4)
      total = block == 0 ? sum : f32x4.add(total, sum)
    }
    const row = rows + (<usize>slice << 4)
    v128.store32_lane(y + <usize>load<u32>(row, 12) * yStride, total, 3)
    v128.store32_lane(y + <usize>load<u32>(row, 8) * yStride, total, 2)
    v128.store32_lane(y + <usize>load<u32>(row, 4) * yStride, total, 1)
    v128.store32_lane(y + <usize>load<u32>(row) * yStride, total, 0)
  }
}

/** Steps p..end of a slice: four sums, for four steps at once (latency), added as ((0 + 1) + (2 + 3)). */
function sliceTimesColumn(p: usize, end: usize, x: usize): v128 {
  let s0 = f32x4.splat(0)
  let s1 = s0
  let s2 = s0
  let s3 = s0
  const fours = p + (end - p) / 96 * 96
  while (p != fours) {
    s0 = step(p, 0, x, s0)
    s1 = step(p, 24, x, s1)
    s2 = step(p, 48, x, s2)
    s3 = step(p, 72, x, s3)
    p += 96
  }
  while (p != end) {
    s0 = step(p, 0, x, s0)
    p += 24
  }
  return f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))
}

/** One entry of each of the four rows. */
// @ts-ignore: decorator
@inline function step(p: usize, at: usize, x: usize, sum: v128): v128 {
  const offsets = load<u64>(p + at, 16)
  let gathered = v128.load32_zero(x + <usize>(<u32>offsets & 0xffff))
  gathered = v128.load32_lane(x + <usize>(<u32>(offsets >> 16) & 0xffff), gathered, 1)
  gathered = v128.load32_lane(x + <usize>(<u32>(offsets >> 32) & 0xffff), gathered, 2)
  gathered = v128.load32_lane(x + <usize>(<u32>(offsets >> 48)), gathered, 3)
  return madd(v128.load(p + at), gathered, sum)
}

/** Copies a column of x to K blocks with a zero behind each; see {@link spmvSell}. `begin`, `end`: K blocks. */
export function packColumn(x: usize, stride: usize, k: i32, kBlock: i32, out: usize, begin: i32, end: i32): void {
  for (let block = begin; block < end; block++) {
    const count = min(kBlock, k - block * kBlock)
    let from = x + <usize>(block * kBlock) * stride
    let to = out + <usize>(block * (kBlock + 4)) * 4
    if (stride == 4) memory.copy(to, from, <usize>count << 2)
    else for (let i = 0; i < count; i++, from += stride) store<f32>(to + (<usize>i << 2), load<f32>(from))
    store<f32>(to + (<usize>kBlock << 2), 0)
  }
}
