// Sparse weights, packed as streams (see panel.ts), times X, packed as panels (see core/panels.ts).
import { rowsTimesPanel } from './panel'
import { unpackRows, unpackTokens } from '../lib/unpack'

/** How the result leaves: row-major in whole vectors, row-major with a narrower last vector, or token-major. */
const DIRECT: i32 = 0
const ROWS: i32 = 1
const TOKENS: i32 = 2

/**
 * y = w * x. A unit of work is a window of rows times a panel (unit = panel * windows + window, so that neighbours share
 * the panel); a part is a run of units, and `begin`, `end` count parts. One panel at a time: several that share a window's
 * turn would save reading the stream again, but their sums and rows of X leave L2 (59 to 66 against 62 to 68 % of the peak
 * at 90 %, N = 128, Zen 4).
 *
 * @param stream, segments  u32 byte offset into the stream for each [window][K block], and one more: the end
 * @param x       panel j begins at vector column j * panelVectors, its k rows follow each other; the last one is narrower
 * @param n       columns of y; panels hold ceil(n / 4) vectors
 * @param y       yStride bytes from row to row, for `output` 2 (tokens) from column to column
 * @param output  0: n is a multiple of 4, y row-major; 1: any n, y row-major; 2: any n, y column-major
 * @param scratch for each part windowRows * panelVectors * 16 bytes: sums wait there between K blocks, near each other (rows
 *                of a wide y fall into few cache sets: 47 against 57 % of the peak at N = 512)
 * @param parts   u32 first unit of each part, and one more: the end
 */
export function spmmCsr(
  stream: usize, segments: usize, m: i32, k: i32, windowRows: i32, kBlock: i32,
  x: usize, n: i32, panelVectors: i32,
  y: usize, yStride: usize, output: i32, scratch: usize, parts: usize,
  begin: i32, end: i32,
): void {
  const vectors = (n + 3) >> 2
  const windows = (m + windowRows - 1) / windowRows
  const kBlocks = max(1, (k + kBlock - 1) / kBlock)
  const panelBytes = <usize>(panelVectors << 4)
  for (let part = begin; part < end; part++) {
    const area = scratch + <usize>part * windowRows * panelBytes
    const unitEnd = load<i32>(parts + <usize>(part << 2), 4)
    for (let unit = load<i32>(parts + <usize>(part << 2)); unit < unitEnd; unit++) {
      const panel = unit / windows
      const top = (unit % windows) * windowRows
      const column = panel * panelVectors << 2
      const columns = min(panelVectors << 2, n - column)
      const width = min(panelVectors, vectors - panel * panelVectors)
      const rowBytes = <usize>(width << 4)
      const to = output == TOKENS ? y + (<usize>top << 2) + <usize>column * yStride : y + (<usize>column << 2) + <usize>top * yStride
      let xBlock = x + <usize>panel * panelBytes * k
      let segment = segments + <usize>((unit % windows) * kBlocks << 2)
      for (let block = 0; block < kBlocks; block++) {
        const p = stream + load<u32>(segment)
        const e = stream + load<u32>(segment, 4)
        const straight = output == DIRECT && block == kBlocks - 1
        rowsTimesPanel(width, p, e, xBlock, area, rowBytes, straight ? to : area, straight ? yStride : rowBytes, block == 0)
        xBlock += <usize>kBlock * rowBytes
        segment += 4
      }
      const rows = min(windowRows, m - top)
      if (output == ROWS) unpackRows(area, rows, columns, to, yStride)
      if (output == TOKENS) unpackTokens(area, rows, columns, to, yStride)
    }
  }
}
