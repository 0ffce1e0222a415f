// Blocks of weights (BSR) times X in panels of up to six vectors. Two rows of a block row at a time, a strip, against all
// columns of its kept blocks: twelve sums in registers, and no index but one for each block, since the rows of X that
// a block needs follow each other.
import { madd } from '../lib/vector'
import { unpackRows, unpackTokens } from './unpack'

/** The widest panel, in vectors: 2 x 6 sums, two weights and a vector of X are the registers that there are. */
export const BSR_VECTORS: i32 = 6
const DIRECT: i32 = 0
const ROWS: i32 = 1

/** One strip: two rows, V vectors; p walks the strip's weights, [block][column][2 rows]. Returns where the next strip's begin. */
// @ts-ignore: decorator
@inline function strip(V: i32, p: usize, columns: usize, columnsEnd: usize, blockColumns: i32, k: i32, x: usize, y0: usize, y1: usize): usize {
  let a0 = f32x4.splat(0)
  let a1 = f32x4.splat(0)
  let a2 = f32x4.splat(0)
  let a3 = f32x4.splat(0)
  let a4 = f32x4.splat(0)
  let a5 = f32x4.splat(0)
  let b0 = f32x4.splat(0)
  let b1 = f32x4.splat(0)
  let b2 = f32x4.splat(0)
  let b3 = f32x4.splat(0)
  let b4 = f32x4.splat(0)
  let b5 = f32x4.splat(0)
  for (; columns != columnsEnd; columns += 4) {
    const left = <i32>load<u32>(columns) * blockColumns
    let at = x + <usize>left * (V << 4)
    const end = p + (<usize>min(blockColumns, k - left) << 3)
    while (p != end) {
      const v = v128.load32_splat(p)
      const w = v128.load32_splat(p, 4)
      if (V > 0) {
        const x0 = v128.load(at, 0)
        a0 = madd(v, x0, a0)
        b0 = madd(w, x0, b0)
      }
      if (V > 1) {
        const x1 = v128.load(at, 16)
        a1 = madd(v, x1, a1)
        b1 = madd(w, x1, b1)
      }
      if (V > 2) {
        const x2 = v128.load(at, 32)
        a2 = madd(v, x2, a2)
        b2 = madd(w, x2, b2)
      }
      if (V > 3) {
        const x3 = v128.load(at, 48)
        a3 = madd(v, x3, a3)
        b3 = madd(w, x3, b3)
      }
      if (V > 4) {
        const x4 = v128.load(at, 64)
        a4 = madd(v, x4, a4)
        b4 = madd(w, x4, b4)
      }
      if (V > 5) {
        const x5 = v128.load(at, 80)
        a5 = madd(v, x5, a5)
        b5 = madd(w, x5, b5)
      }
      p += 8
      at += V << 4
    }
  }
  if (V > 0) {
    v128.store(y0, a0, 0)
    v128.store(y1, b0, 0)
  }
  if (V > 1) {
    v128.store(y0, a1, 16)
    v128.store(y1, b1, 16)
  }
  if (V > 2) {
    v128.store(y0, a2, 32)
    v128.store(y1, b2, 32)
  }
  if (V > 3) {
    v128.store(y0, a3, 48)
    v128.store(y1, b3, 48)
  }
  if (V > 4) {
    v128.store(y0, a4, 64)
    v128.store(y1, b4, 64)
  }
  if (V > 5) {
    v128.store(y0, a5, 80)
    v128.store(y1, b5, 80)
  }
  return p
}

function strip1(p: usize, columns: usize, columnsEnd: usize, blockColumns: i32, k: i32, x: usize, y0: usize, y1: usize): usize {
  return strip(1, p, columns, columnsEnd, blockColumns, k, x, y0, y1)
}

function strip2(p: usize, columns: usize, columnsEnd: usize, blockColumns: i32, k: i32, x: usize, y0: usize, y1: usize): usize {
  return strip(2, p, columns, columnsEnd, blockColumns, k, x, y0, y1)
}

function strip3(p: usize, columns: usize, columnsEnd: usize, blockColumns: i32, k: i32, x: usize, y0: usize, y1: usize): usize {
  return strip(3, p, columns, columnsEnd, blockColumns, k, x, y0, y1)
}

function strip4(p: usize, columns: usize, columnsEnd: usize, blockColumns: i32, k: i32, x: usize, y0: usize, y1: usize): usize {
  return strip(4, p, columns, columnsEnd, blockColumns, k, x, y0, y1)
}

function strip5(p: usize, columns: usize, columnsEnd: usize, blockColumns: i32, k: i32, x: usize, y0: usize, y1: usize): usize {
  return strip(5, p, columns, columnsEnd, blockColumns, k, x, y0, y1)
}

function strip6(p: usize, columns: usize, columnsEnd: usize, blockColumns: i32, k: i32, x: usize, y0: usize, y1: usize): usize {
  return strip(6, p, columns, columnsEnd, blockColumns, k, x, y0, y1)
}

function anyStrip(vectors: i32, p: usize, columns: usize, columnsEnd: usize, blockColumns: i32, k: i32, x: usize, y0: usize, y1: usize): usize {
  switch (vectors) {
    case 1: return strip1(p, columns, columnsEnd, blockColumns, k, x, y0, y1)
    case 2: return strip2(p, columns, columnsEnd, blockColumns, k, x, y0, y1)
    case 3: return strip3(p, columns, columnsEnd, blockColumns, k, x, y0, y1)
    case 4: return strip4(p, columns, columnsEnd, blockColumns, k, x, y0, y1)
    case 5: return strip5(p, columns, columnsEnd, blockColumns, k, x, y0, y1)
    default: return strip6(p, columns, columnsEnd, blockColumns, k, x, y0, y1)
  }
}

/**
 * y = w * x. A unit is a block row times a panel (unit = panel * block rows + block row, so that neighbours share X).
 *
 * @param values    [block row][strip][block][column][2 rows]: the weights; columns beyond k are left out, a row beyond m or
 *                  beyond an odd block is zero
 * @param offsets   u32 byte offset into `values` for each block row
 * @param rowOffsets, columns  u32, as in the layout
 * @param x         panels of panelVectors vectors, as packPanels makes them
 * @param output    as in spmmCsr: 0 whole vectors straight to rows of y, 1 rows with a narrower end, 2 columns
 * @param scratch   for each part (blockRows + 1) * panelVectors * 16 bytes
 * @param parts     u32 first unit of each part, and one more: the end
 * @param begin, end  parts
 */
export function spmmBsr(
  values: usize, offsets: usize, rowOffsets: usize, columns: usize, m: i32, k: i32, blockRows: i32, blockColumns: i32,
  x: usize, n: i32, panelVectors: i32,
  y: usize, yStride: usize, output: i32, scratch: usize, parts: usize,
  begin: i32, end: i32,
): void {
  const vectors = (n + 3) >> 2
  const count = (m + blockRows - 1) / blockRows
  const panelBytes = <usize>(panelVectors << 4)
  for (let part = begin; part < end; part++) {
    const area = scratch + <usize>(part * (blockRows + 1)) * panelBytes
    const nowhere = area + <usize>blockRows * panelBytes
    const unitEnd = load<i32>(parts + (<usize>part << 2), 4)
    for (let unit = load<i32>(parts + (<usize>part << 2)); unit < unitEnd; unit++) {
      const blockRow = unit % count
      const panel = unit / count
      const width = min(panelVectors, vectors - panel * panelVectors)
      const rowBytes = <usize>(width << 4)
      const xPanel = x + <usize>panel * panelBytes * k
      const top = blockRow * blockRows
      const rows = min(blockRows, m - top)
      const table = rowOffsets + (<usize>blockRow << 2)
      const first = columns + (<usize>load<u32>(table) << 2)
      const last = columns + (<usize>load<u32>(table, 4) << 2)
      let p = values + load<u32>(offsets + (<usize>blockRow << 2))
      const target = output == DIRECT ? y + <usize>top * yStride + <usize>panel * panelBytes : area
      const stride = output == DIRECT ? yStride : rowBytes
      for (let row = 0; row < rows; row += 2) {
        const y0 = target + <usize>row * stride
        p = anyStrip(width, p, first, last, blockColumns, k, xPanel, y0, row + 1 < rows ? y0 + stride : nowhere)
      }
      if (output == DIRECT) continue
      const column = panel * panelVectors << 2
      const valid = min(panelVectors << 2, n - column)
      if (output == ROWS) unpackRows(area, rows, valid, y + <usize>top * yStride + (<usize>column << 2), yStride)
      else unpackTokens(area, rows, valid, y + (<usize>top << 2) + <usize>column * yStride, yStride)
    }
  }
}
