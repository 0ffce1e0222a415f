// The dense product Y Xᵀ, strip by strip, of which the entries of a pattern are kept: best where most are.
import { gemm } from '../core/gemm'

/** Tiles of six rows in a strip: its products stay in L2. */
const STRIP: i32 = 8

/**
 * out[e] = Y[row of e] . X[column of e] for every entry of a bsr pattern; a csr is one with blocks of 1x1.
 *
 * @param rowOffsets, columns  u32, as in the layout
 * @param y        from gemmPackA, [m, n]
 * @param x        from gemmPackB, [n, k]
 * @param scratch  for each part 48 * k floats
 * @param parts    u32 first tile of each part, and one more: the end
 * @param accumulate  1: results are added to out, else 0
 * @param begin, end  parts
 */
export function sddmmDense(
  rowOffsets: usize, columns: usize, m: i32, k: i32, blockRows: i32, blockColumns: i32,
  y: usize, x: usize, n: i32, out: usize, accumulate: i32, scratch: usize, parts: usize,
  begin: i32, end: i32,
): void {
  const stride = <usize>k << 2
  for (let part = begin; part < end; part++) {
    const area = scratch + <usize>(part * STRIP * 6) * stride
    const last = load<i32>(parts + (<usize>part << 2), 4)
    for (let tile = load<i32>(parts + (<usize>part << 2)); tile < last; tile += STRIP) {
      const top = tile * 6
      // gemm counts rows from the top of the matrix.
      gemm(area - <usize>top * stride, stride, y, x, m, k, n, tile, min(tile + STRIP, last))
      for (let row = top; row < min(m, min(tile + STRIP, last) * 6); row++) {
        keepRow(rowOffsets, columns, row, k, blockRows, blockColumns, area + <usize>(row - top) * stride, out, accumulate)
      }
    }
  }
}

// @ts-ignore: decorator
@inline function keepRow(
  rowOffsets: usize, columns: usize, row: i32, k: i32, blockRows: i32, blockColumns: i32, from: usize, out: usize, accumulate: i32,
): void {
  const group = rowOffsets + (<usize>(row / blockRows) << 2)
  const last = load<u32>(group, 4)
  for (let block = load<u32>(group); block < last; block++) {
    const left = <i32>load<u32>(columns + (<usize>block << 2)) * blockColumns
    let source = from + (<usize>left << 2)
    let to = out + (<usize>((<i32>block * blockRows + row % blockRows) * blockColumns) << 2)
    for (let count = min(blockColumns, k - left); count > 0; count--, source += 4, to += 4) {
      store<f32>(to, accumulate ? load<f32>(to) + load<f32>(source) : load<f32>(source))
    }
  }
}
