// The transposed product through the stream of rows (see rows.ts): a row of X stays in registers while its entries add to rows
// of y, which lie in the scratch area of one K block. For masks that are not transposable: a load and a store more for each
// multiply-add than rows of a transposed matrix would need.
import { unpackRows, unpackTokens } from '../lib/unpack'
import { madd } from '../lib/vector'

const TOKENS: i32 = 2
/** Bytes of a row of a panel of X, which offsets in the stream are multiples of. */
const ROW_BYTES: usize = 128

/**
 * y = transposed w * x. A unit of work is a K block of w, rows of y, times a panel (unit = panel * K blocks + K block); a part
 * is a run of units, and `begin`, `end` count parts.
 *
 * @param stream, segments, blockEntries, lastEntries, windowRows, kBlock  as in nmRows
 * @param m, k    rows and columns of w: y has k rows
 * @param x       panels as packEvenPanels makes them, in rows of eight vectors
 * @param output  2: y column-major, else row-major, yStride bytes between columns or rows
 * @param scratch for each part kBlock * 128 bytes
 * @param parts   u32 first unit of each part, and one more: the end
 */
export function nmScatter(
  stream: usize, segments: usize, blockEntries: i32, lastEntries: i32, m: i32, k: i32, windowRows: i32, kBlock: i32,
  x: usize, n: i32, panels: i32,
  y: usize, yStride: usize, output: i32, scratch: usize, parts: usize,
  begin: i32, end: i32,
): void {
  const vectors = (n + 3) >> 2
  const narrow = vectors / panels
  const wider = vectors % panels
  const kBlocks = (k + kBlock - 1) / kBlock
  const windows = (m + windowRows - 1) / windowRows
  for (let part = begin; part < end; part++) {
    const area = scratch + <usize>(part * kBlock) * ROW_BYTES
    const unitEnd = load<i32>(parts + <usize>(part << 2), 4)
    for (let unit = load<i32>(parts + <usize>(part << 2)); unit < unitEnd; unit++) {
      const panel = unit / kBlocks
      const block = unit % kBlocks
      const column = (panel * narrow + min(panel, wider)) << 2
      const width = narrow + i32(panel < wider)
      const columns = min(width << 2, n - column)
      const left = block * kBlock
      const rows = min(kBlock, k - left)
      memory.fill(area, 0, <usize>(rows * width) << 4)
      const count = block == kBlocks - 1 ? lastEntries : blockEntries
      let from = x + <usize>(panel * m) * ROW_BYTES
      for (let window = 0; window < windows; window++) {
        const inWindow = min(windowRows, m - window * windowRows)
        scatterRows(width, stream + load<u32>(segments + <usize>((window * kBlocks + block) << 2)), count, inWindow, from, area)
        from += <usize>inWindow * ROW_BYTES
      }
      if (output == TOKENS) unpackTokens(area, rows, columns, y + (<usize>left << 2) + <usize>column * yStride, yStride)
      else unpackRows(area, rows, columns, y + <usize>left * yStride + (<usize>column << 2), yStride)
    }
  }
}

/** Adds value * source row to rows of the area, for every entry of `rows` rows of `count` entries. */
// @ts-ignore: decorator
@inline function scatter(V: i32, p: usize, count: i32, rows: i32, source: usize, area: usize): void {
  for (; rows > 0; rows--, source += ROW_BYTES) {
    const x0 = v128.load(source)
    const x1 = V > 1 ? v128.load(source, 16) : x0
    const x2 = V > 2 ? v128.load(source, 32) : x0
    const x3 = V > 3 ? v128.load(source, 48) : x0
    const x4 = V > 4 ? v128.load(source, 64) : x0
    const x5 = V > 5 ? v128.load(source, 80) : x0
    const x6 = V > 6 ? v128.load(source, 96) : x0
    const x7 = V > 7 ? v128.load(source, 112) : x0
    for (let left = count; left > 0; left -= 4, p += 24) {
      let offsets = load<u64>(p, 16)
      for (let i = 0; i < min(left, 4); i++, offsets >>= 16) {
        const value = v128.load32_splat(p + <usize>(i << 2))
        const to = area + (<usize>(offsets & 0xffff) >> 3) * V
        v128.store(to, madd(value, x0, v128.load(to)))
        if (V > 1) v128.store(to, madd(value, x1, v128.load(to, 16)), 16)
        if (V > 2) v128.store(to, madd(value, x2, v128.load(to, 32)), 32)
        if (V > 3) v128.store(to, madd(value, x3, v128.load(to, 48)), 48)
        if (V > 4) v128.store(to, madd(value, x4, v128.load(to, 64)), 64)
        if (V > 5) v128.store(to, madd(value, x5, v128.load(to, 80)), 80)
        if (V > 6) v128.store(to, madd(value, x6, v128.load(to, 96)), 96)
        if (V > 7) v128.store(to, madd(value, x7, v128.load(to, 112)), 112)
      }
    }
  }
}

function scatterRows(vectors: i32, p: usize, count: i32, rows: i32, source: usize, area: usize): void {
  switch (vectors) {
    case 1: return scatter(1, p, count, rows, source, area)
    case 2: return scatter(2, p, count, rows, source, area)
    case 3: return scatter(3, p, count, rows, source, area)
    case 4: return scatter(4, p, count, rows, source, area)
    case 5: return scatter(5, p, count, rows, source, area)
    case 6: return scatter(6, p, count, rows, source, area)
    case 7: return scatter(7, p, count, rows, source, area)
    case 8: return scatter(8, p, count, rows, source, area)
  }
}
