// Products at the blocks of a bsr pattern, by tiles of two rows of Y times four rows of X: six loads for eight products, and
// eight sums in flight. Rows are cut into chunks, so that those of a block stay in L1.
import { madd } from '../lib/vector'
import { storeSome, sumOfEach } from './dots'

/**
 * out[block, i, j] = Y[row i of the block] . X[column j of the block] for every kept block; 0 beyond the shape.
 *
 * @param rowOffsets, columns  u32, as in the layout
 * @param y, x      chunks of chunkVectors vectors: chunk c of row r at (c * rows * chunkVectors + r * width of the chunk)
 *                  vectors, as packPanels makes them; with a stride (bytes) other than 0 rows of whole vectors
 * @param vectors   of a row of x and y, at least one
 * @param accumulate 1: results are added to out, else 0
 * @param begin, end block rows
 */
export function sddmmBsr(
  rowOffsets: usize, columns: usize, m: i32, k: i32, blockRows: i32, blockColumns: i32,
  y: usize, yStride: usize, x: usize, xStride: usize, vectors: i32, chunkVectors: i32, out: usize, accumulate: i32,
  begin: i32, end: i32,
): void {
  const chunkBytes = <usize>(chunkVectors << 4)
  const area = <usize>(blockRows * blockColumns) << 2
  for (let blockRow = begin; blockRow < end; blockRow++) {
    const at = rowOffsets + (<usize>blockRow << 2)
    const first = load<u32>(at)
    const last = load<u32>(at, 4)
    const top = blockRow * blockRows
    const rows = min(blockRows, m - top)
    if (accumulate == 0 && first < last) memory.fill(out + <usize>first * area, 0, <usize>(last - first) * area)
    for (let chunk = 0; chunk * chunkVectors < vectors; chunk++) {
      const bytes = <usize>min(chunkVectors, vectors - chunk * chunkVectors) << 4
      const yBytes = yStride == 0 ? bytes : yStride
      const xBytes = xStride == 0 ? bytes : xStride
      const yChunk = y + <usize>chunk * (yStride == 0 ? chunkBytes * m : chunkBytes) + <usize>top * yBytes
      const xChunk = x + <usize>chunk * (xStride == 0 ? chunkBytes * k : chunkBytes)
      for (let block = first; block < last; block++) {
        const left = <i32>load<u32>(columns + (<usize>block << 2)) * blockColumns
        const count = min(blockColumns, k - left)
        const xBlock = xChunk + <usize>left * xBytes
        let to = out + <usize>block * area
        let from = yChunk
        for (let row = 0; row < rows; row += 2) {
          const pair = row + 1 < rows
          twoRows(from, pair ? from + yBytes : from, xBlock, xBytes, bytes, count, to, pair ? to + (<usize>blockColumns << 2) : 0)
          from += 2 * yBytes
          to += <usize>blockColumns << 3
        }
      }
    }
  }
}

/** Adds the products of two rows of Y with `count` rows of X to two rows of a block; the second is left out if it is 0. */
function twoRows(
  a: usize, b: usize, x: usize, xStride: usize, bytes: usize, count: i32, toA: usize, toB: usize,
): void {
  for (; count > 0; count -= 4) {
    // Where fewer than four are left the last one is taken again.
    const x1 = count > 1 ? x + xStride : x
    const x2 = count > 2 ? x1 + xStride : x1
    const x3 = count > 3 ? x2 + xStride : x2
    let a0 = f32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    for (let i: usize = 0; i < bytes; i += 16) {
      const u = v128.load(a + i)
      const v = v128.load(b + i)
      let w = v128.load(x + i)
      a0 = madd(u, w, a0)
      b0 = madd(v, w, b0)
      w = v128.load(x1 + i)
      a1 = madd(u, w, a1)
      b1 = madd(v, w, b1)
      w = v128.load(x2 + i)
      a2 = madd(u, w, a2)
      b2 = madd(v, w, b2)
      w = v128.load(x3 + i)
      a3 = madd(u, w, a3)
      b3 = madd(v, w, b3)
    }
    addTo(toA, sumOfEach(a0, a1, a2, a3), count)
    toA += 16
    if (toB) {
      addTo(toB, sumOfEach(b0, b1, b2, b3), count)
      toB += 16
    }
    x = x3 + xStride
  }
}

// @ts-ignore: decorator
@inline function addTo(to: usize, sums: v128, count: i32): void {
  if (count >= 4) v128.store(to, f32x4.add(v128.load(to), sums))
  else storeSome(to, sums, count, true)
}
