// Sparse weights, packed as streams (see panel.ts), times X, packed as panels (see pack.ts).
import { rowsTimesPanel } from './panel'
import { unpackRows, unpackTokens } from './unpack'

/** How the result leaves: row-major in whole vectors, row-major with a narrower last vector, or token-major. */
const DIRECT: i32 = 0
const ROWS: i32 = 1

/**
 * y = w * x. A unit of work is a window of rows times a group of panels (unit = group * windows + window, so that
 * neighbours share X); a part is a run of units, and `begin`, `end` count parts.
 *
 * @param stream, segments  u32 byte offset into the stream for each [window][K block], and one more: the end
 * @param x       panel j begins at vector column j * panelVectors, its k rows follow each other; the last one is narrower
 * @param n       columns of y; panels hold ceil(n / 4) vectors
 * @param y       yStride bytes from row to row, for `output` 2 (tokens) from column to column
 * @param output  0: n is a multiple of 4, y row-major; 1: any n, y row-major; 2: any n, y column-major
 * @param scratch for each part windowRows * groupPanels * panelVectors * 16 bytes: sums wait there between K blocks, near
 *                each other (rows of a wide y fall into few cache sets: 47 against 57 % of the peak at N = 512)
 * @param parts   u32 first unit of each part, and one more: the end
 */
export function spmmCsr(
  stream: usize, segments: usize, m: i32, k: i32, windowRows: i32, kBlock: i32,
  x: usize, n: i32, panelVectors: i32, groupPanels: i32,
  y: usize, yStride: usize, output: i32, scratch: usize, parts: usize,
  begin: i32, end: i32,
): void {
  const vectors = (n + 3) >> 2
  const panels = (vectors + panelVectors - 1) / panelVectors
  const windows = (m + windowRows - 1) / windowRows
  const kBlocks = max(1, (k + kBlock - 1) / kBlock)
  const panelBytes = <usize>(panelVectors << 4)
  const areaBytes = <usize>windowRows * panelBytes
  for (let part = begin; part < end; part++) {
    const partScratch = scratch + <usize>(part * groupPanels) * areaBytes
    const unitEnd = load<i32>(parts + <usize>(part << 2), 4)
    for (let unit = load<i32>(parts + <usize>(part << 2)); unit < unitEnd; unit++) {
      const window = unit % windows
      const rows = min(windowRows, m - window * windowRows)
      const group = (unit / windows) * groupPanels
      const last = min(group + groupPanels, panels)
      const yWindow = y + <usize>(window * windowRows) * (output <= ROWS ? yStride : 4)
      for (let block = 0; block < kBlocks; block++) {
        const segment = segments + <usize>((window * kBlocks + block) << 2)
        const p = stream + load<u32>(segment)
        const e = stream + load<u32>(segment, 4)
        const straight = output == DIRECT && block == kBlocks - 1
        for (let panel = group; panel < last; panel++) {
          const width = min(panelVectors, vectors - panel * panelVectors)
          const rowBytes = <usize>(width << 4)
          const xBlock = x + <usize>panel * panelBytes * k + <usize>(block * kBlock) * rowBytes
          const area = partScratch + <usize>(panel - group) * areaBytes
          const target = straight ? yWindow + <usize>panel * panelBytes : area
          rowsTimesPanel(width, p, e, xBlock, area, rowBytes, target, straight ? yStride : rowBytes, block == 0)
        }
      }
      if (output == DIRECT) continue
      for (let panel = group; panel < last; panel++) {
        const area = partScratch + <usize>(panel - group) * areaBytes
        const column = panel * panelVectors << 2
        const columns = min(panelVectors << 2, n - column)
        if (output == ROWS) unpackRows(area, rows, columns, yWindow + <usize>(column << 2), yStride)
        else unpackTokens(area, rows, columns, yWindow + <usize>column * yStride, yStride)
      }
    }
  }
}
