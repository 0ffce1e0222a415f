// N:M weights, packed as streams (see rows.ts and pairs.ts), times X, packed as panels (see core/panels.ts).
import { unpackRows, unpackTokens } from '../lib/unpack'
import { pairsTimesPanel } from './pairs'
import { rowsTimesPanel } from './rows'

/** How the result leaves: row-major in whole vectors, row-major with a narrower last vector, or token-major. */
const DIRECT: i32 = 0
const ROWS: i32 = 1
const TOKENS: i32 = 2
/** Vectors of a row of a panel of X. */
const PAIRS_WIDTH: i32 = 6
const ROWS_WIDTH: i32 = 8

/**
 * y = w * x. A unit of work is a window of rows times a panel (unit = window * panels + panel: a window's stream stays in L2
 * while all panels pass); a part is a run of units, and `begin`, `end` count parts.
 *
 * @param stream, segments  u32 byte offset into the stream for each [window][K block], and one more: the end
 * @param blockEntries  entries of a row in each K block but the last, and `lastEntries` in that
 * @param x       panels as packEvenPanels makes them, in rows of eight vectors, for nmPairs six
 * @param n       columns of y; panels hold ceil(n / 4) vectors
 * @param y       yStride bytes from row to row, for `output` 2 (tokens) from column to column
 * @param output  0: n is a multiple of 4, y row-major; 1: any n, y row-major; 2: any n, y column-major
 * @param scratch for each part windowRows rows of a panel: sums wait there between K blocks, near each other
 * @param parts   u32 first unit of each part, and one more: the end
 */
export function nmRows(
  stream: usize, segments: usize, blockEntries: i32, lastEntries: i32, m: i32, k: i32, windowRows: i32, kBlock: i32,
  x: usize, n: i32, panels: i32,
  y: usize, yStride: usize, output: i32, scratch: usize, parts: usize,
  begin: i32, end: i32,
): void {
  units(false, stream, segments, blockEntries, lastEntries, m, k, windowRows, kBlock, x, n, panels, y, yStride, output, scratch, parts, begin, end)
}

/** As {@link nmRows}, with a stream of pairs. */
export function nmPairs(
  stream: usize, segments: usize, m: i32, k: i32, windowRows: i32, kBlock: i32,
  x: usize, n: i32, panels: i32,
  y: usize, yStride: usize, output: i32, scratch: usize, parts: usize,
  begin: i32, end: i32,
): void {
  units(true, stream, segments, 0, 0, m, k, windowRows, kBlock, x, n, panels, y, yStride, output, scratch, parts, begin, end)
}

// @ts-ignore: decorator
@inline function units(
  pairs: bool, stream: usize, segments: usize, blockEntries: i32, lastEntries: i32, m: i32, k: i32, windowRows: i32, kBlock: i32,
  x: usize, n: i32, panels: i32,
  y: usize, yStride: usize, output: i32, scratch: usize, parts: usize,
  begin: i32, end: i32,
): void {
  const panelBytes: usize = <usize>((pairs ? PAIRS_WIDTH : ROWS_WIDTH) << 4)
  const vectors = (n + 3) >> 2
  const narrow = vectors / panels
  const wider = vectors % panels
  const kBlocks = max(1, (k + kBlock - 1) / kBlock)
  for (let part = begin; part < end; part++) {
    const area = scratch + <usize>(part * windowRows) * panelBytes
    const unitEnd = load<i32>(parts + <usize>(part << 2), 4)
    for (let unit = load<i32>(parts + <usize>(part << 2)); unit < unitEnd; unit++) {
      const window = unit / panels
      const panel = unit % panels
      const top = window * windowRows
      const rows = min(windowRows, m - top)
      const column = (panel * narrow + min(panel, wider)) << 2
      const width = narrow + i32(panel < wider)
      const columns = min(width << 2, n - column)
      const rowBytes = <usize>(width << 4)
      const to = output == TOKENS ? y + (<usize>top << 2) + <usize>column * yStride : y + (<usize>column << 2) + <usize>top * yStride
      let xBlock = x + <usize>(panel * k) * panelBytes
      let segment = segments + <usize>(window * kBlocks << 2)
      for (let block = 0; block < kBlocks; block++) {
        const p = stream + load<u32>(segment)
        const last = block == kBlocks - 1
        const straight = output == DIRECT && last
        const target = straight ? to : area
        const stride = straight ? yStride : rowBytes
        if (pairs) pairsTimesPanel(width, p, stream + load<u32>(segment, 4), xBlock, area, rowBytes, target, stride, block == 0)
        else rowsTimesPanel(width, p, last ? lastEntries : blockEntries, rows, xBlock, area, target, stride, block == 0)
        xBlock += <usize>kBlock * panelBytes
        segment += 4
      }
      if (output == ROWS) unpackRows(area, rows, columns, to, yStride)
      if (output == TOKENS) unpackTokens(area, rows, columns, to, yStride)
    }
  }
}
