// Sparse i8 weights, packed as streams (rows.ts), times activations quantised to bytes (pack.ts).
import { parameterBytes } from '../lib/quantise'
import { unpackRows, unpackTokens } from '../lib/unpack'
import { directRows1, directRows2, pairedRows1, pairedRows2 } from './rows'

/**
 * y = w * x in f32. A unit of work is a window of rows times a panel (unit = panel * windows + window).
 *
 * @param segments   u32 byte offset into the stream for each [window][K block], and one more: the end
 * @param starts     u32 first column of each K block
 * @param vectors    16 columns each, in a panel: 1 or 2
 * @param parameters of the columns, from columnScales
 * @param paired     see core-i8/gemm.ts
 * @param tokens     0: y is row-major, yStride bytes from row to row; 1: column-major, from column to column
 * @param scratch    for each part windowRows * vectors * 64 bytes
 * @param parts      into how many the units are divided; begin, end count parts
 */
export function spmmI8Quads(
  stream: usize, segments: usize, starts: usize, kBlocks: i32, m: i32, k: i32, windowRows: i32,
  x: usize, n: i32, vectors: i32, parameters: usize, paired: i32,
  y: usize, yStride: usize, tokens: i32, scratch: usize, parts: i32,
  begin: i32, end: i32,
): void {
  const windows = (m + windowRows - 1) / windowRows
  const panelColumns = vectors << 4
  const units = windows * ((n + panelColumns - 1) / panelColumns)
  const zeros = 2 * parameterBytes(n)
  for (let part = begin; part < end; part++) {
    const area = scratch + <usize>part * windowRows * (<usize>vectors << 6)
    const unitEnd = units * (part + 1) / parts
    for (let unit = units * part / parts; unit < unitEnd; unit++) {
      const column = unit / windows * panelColumns
      const window = unit % windows
      const columns = min(panelColumns, n - column)
      const width = (columns + 15) >> 4
      const panel = x + <usize>column * k
      const scales = parameters + (<usize>column << 2)
      let segment = segments + <usize>(window * kBlocks << 2)
      for (let block = 0; block < kBlocks; block++, segment += 4) {
        const p = stream + load<u32>(segment)
        const e = stream + load<u32>(segment, 4)
        const from = panel + <usize>load<u32>(starts + <usize>(block << 2)) * (<usize>width << 4)
        const last = block == kBlocks - 1
        if (ASC_FEATURE_RELAXED_SIMD && paired) {
          if (width == 1) pairedRows1(paired, p, e, from, area, block == 0, last, scales, scales + zeros)
          else pairedRows2(paired, p, e, from, area, block == 0, last, scales, scales + zeros)
        } else if (width == 1) directRows1(p, e, from, area, block == 0, last, scales, scales + zeros)
        else directRows2(p, e, from, area, block == 0, last, scales, scales + zeros)
      }
      const rows = min(windowRows, m - window * windowRows)
      const top = <usize>(window * windowRows)
      if (tokens) leaveTokens(area, rows, columns, 4 * width, y + (top << 2) + <usize>column * yStride, yStride)
      else leaveRows(area, rows, columns, 4 * width, y + top * yStride + (<usize>column << 2), yStride)
    }
  }
}

/** To rows of y. Rows of the area hold so many vectors, however many of their columns there are. */
export function leaveRows(area: usize, rows: i32, columns: i32, vectors: i32, y: usize, stride: usize): void {
  if (columns > 4 * (vectors - 1)) {
    unpackRows(area, rows, columns, y, stride)
    return
  }
  for (let row = 0; row < rows; row++) unpackRows(area + <usize>(row * vectors << 4), 1, columns, y + <usize>row * stride, stride)
}

/** To columns of y. */
export function leaveTokens(area: usize, rows: i32, columns: i32, vectors: i32, y: usize, stride: usize): void {
  if (columns > 4 * (vectors - 1)) {
    unpackTokens(area, rows, columns, y, stride)
    return
  }
  for (let row = 0; row < rows; row++) unpackTokens(area + <usize>(row * vectors << 4), 1, columns, y + <usize>(row << 2), stride)
}
