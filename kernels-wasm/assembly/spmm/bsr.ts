// Blocks of weights (BSR) times X in panels of up to six vectors. The rows of X that a block needs follow each other, so that
// there is no index but one for each block.
//
// A block row keeps up to K rows of X busy, 96 bytes each, so its blocks are taken in runs, whose rows of X stay in L1 while
// all rows of the block row pass. Weights are packed run after run: they are one long stream from memory.
import { runTimesPanel } from './bsr-tiles'
import { unpackRows, unpackTokens } from '../lib/unpack'

const DIRECT: i32 = 0
const ROWS: i32 = 1

/**
 * y = w * x. A unit is a block row times a panel (unit = panel * block rows + block row, so that neighbours share X).
 *
 * @param values    [block row][run][two rows][column of the run's blocks][2]: the weights; columns beyond k are left out, the
 *                  second of two rows may be anything where it is beyond m or the block
 * @param offsets   u32 byte offset into `values` for each block row
 * @param rowOffsets, columns  u32, as in the layout
 * @param runBlocks blocks of a run: about 192 columns (18 KB of X in the widest panel)
 * @param x         panels of panelVectors vectors, as packPanels makes them
 * @param panelVectors  at most 6; in base SIMD 5, since a separate product needs a register
 * @param output    as in spmmCsr: 0 whole vectors straight to rows of y, 1 rows with a narrower end, 2 columns
 * @param scratch   for each part blockRows * panelVectors * 16 bytes
 * @param parts     u32 first unit of each part, and one more: the end
 * @param begin, end  parts
 */
export function spmmBsr(
  values: usize, offsets: usize, rowOffsets: usize, columns: usize, m: i32, k: i32,
  blockRows: i32, blockColumns: i32, runBlocks: i32, x: usize, n: i32, panelVectors: i32,
  y: usize, yStride: usize, output: i32, scratch: usize, parts: usize,
  begin: i32, end: i32,
): void {
  const vectors = (n + 3) >> 2
  const count = (m + blockRows - 1) / blockRows
  const panelBytes = <usize>(panelVectors << 4)
  for (let part = begin; part < end; part++) {
    const area = scratch + <usize>(part * blockRows) * panelBytes
    const unitStart = load<i32>(parts + (<usize>part << 2))
    const unitEnd = load<i32>(parts + (<usize>part << 2), 4)
    for (let unit = unitStart; unit < unitEnd; unit++) {
      const blockRow = unit % count
      const panel = unit / count
      const width = min(panelVectors, vectors - panel * panelVectors)
      const rowBytes = <usize>(width << 4)
      const xPanel = x + <usize>panel * panelBytes * k
      if (blockRow == 0 || unit == unitStart) touch(xPanel, <usize>k * rowBytes)
      const top = blockRow * blockRows
      const rows = min(blockRows, m - top)
      const table = rowOffsets + (<usize>blockRow << 2)
      const first = columns + (<usize>load<u32>(table) << 2)
      const last = columns + (<usize>load<u32>(table, 4) << 2)
      const p = values + load<u32>(offsets + (<usize>blockRow << 2))
      const target = output == DIRECT ? y + <usize>top * yStride + <usize>panel * panelBytes : area
      const stride = output == DIRECT ? yStride : rowBytes
      blockRowTimesPanel(width, p, first, last, blockColumns, runBlocks, k, xPanel, target, stride, rows)
      if (output == DIRECT) continue
      const column = panel * panelVectors << 2
      const valid = min(panelVectors << 2, n - column)
      if (output == ROWS) unpackRows(area, rows, valid, y + <usize>top * yStride + (<usize>column << 2), yStride)
      else unpackTokens(area, rows, valid, y + (<usize>top << 2) + <usize>column * yStride, yStride)
    }
  }
}

/** Brings a panel to L2 as one stream: fetched block by block it comes slower (768x3072, N = 512, 10 %: 81 against 89 %). */
// @ts-ignore: decorator
@inline function touch(panel: usize, bytes: usize): void {
  for (const end = panel + bytes; panel < end; panel += 64) load<u8>(panel)
}

// @ts-ignore: decorator
@inline function blockRowTimesPanel(
  vectors: i32, p: usize, first: usize, last: usize, blockColumns: i32, runBlocks: i32, k: i32,
  x: usize, y: usize, stride: usize, rows: i32,
): void {
  const run = <usize>runBlocks << 2
  let from = first
  do {
    const to = min(from + run, last)
    runTimesPanel(vectors, p, from, to, blockColumns, k, x, y, stride, rows, from == first)
    // The last block alone may be cut off by the edge.
    const cut = from < to ? max(0, (load<i32>(to - 4) + 1) * blockColumns - k) : 0
    const columns = <i32>((to - from) >> 2) * blockColumns - cut
    p += <usize>(columns * ((rows + 1) & ~1)) << 2
    from = to
  } while (from != last)
}
