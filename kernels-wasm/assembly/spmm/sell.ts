// N = 1. Rows stand in slices of four (SELL-4), interleaved: one step of a slice is four values, one for each row, and
// four u16 byte offsets into x: 24 bytes with f32 values, 16 with bf16 or f16. Shorter rows of a slice are padded with zeros
// that point at a zero behind x.

import { sliceOfBf16TimesColumn, sliceOfF16TimesColumn, sliceTimesColumn } from '../lib/gather'

/**
 * y = w * x for one column. Slices of a K block follow each other; a slice's rows are in `rows`.
 *
 * @param type    of the values: 0 f32, 1 bf16, 2 f16 (no infinities, no NaN)
 * @param stream  per [K block][slice]: its steps
 * @param offsets u32 byte offset into the stream for each [K block][slice], and one more: the end
 * @param rows    u32 row of each lane of each slice; lanes beyond the last row repeat a lane of their slice that comes earlier
 *                and are stored first
 * @param x       K blocks of kBlock floats, each with a zero behind it: block b at b * (kBlock + 4) * 4
 * @param yStride bytes from element to element
 * @param begin, end  slices
 */
export function spmvSell(
  type: i32, stream: usize, offsets: usize, rows: usize, slices: i32, kBlocks: i32, kBlock: i32, x: usize, y: usize, yStride: usize,
  begin: i32, end: i32,
): void {
  for (let slice = begin; slice < end; slice++) {
    let total = f32x4.splat(0)
    for (let block = 0; block < kBlocks; block++) {
      const at = offsets + <usize>((block * slices + slice) << 2)
      const p = stream + load<u32>(at)
      const e = stream + load<u32>(at, 4)
      const from = x + <usize>(block * (kBlock + 4)) * 4
      const sum =
        type == 0 ? sliceTimesColumn(p, e, from) : type == 1 ? sliceOfBf16TimesColumn(p, e, from) : sliceOfF16TimesColumn(p, e, from)
      total = block == 0 ? sum : f32x4.add(total, sum)
    }
    const row = rows + (<usize>slice << 4)
    v128.store32_lane(y + <usize>load<u32>(row, 12) * yStride, total, 3)
    v128.store32_lane(y + <usize>load<u32>(row, 8) * yStride, total, 2)
    v128.store32_lane(y + <usize>load<u32>(row, 4) * yStride, total, 1)
    v128.store32_lane(y + <usize>load<u32>(row) * yStride, total, 0)
  }
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
