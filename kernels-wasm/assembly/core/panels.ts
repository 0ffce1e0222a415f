// X, as the caller holds it, to panels of columns: panel j begins at vector column j * panelVectors and has k rows of its
// width without gaps. The last panel is as narrow as it can be; missing columns of its last vector are zero.
import { transpose4 } from '../lib/vector'

/** Rows of X that are packed before the next panel's turn: their source lines stay in L1 (row-major X). */
const ROWS: i32 = 16

/**
 * @param rowStride, columnStride  bytes; one of them should be 4, else elements are copied one by one
 * @param begin, end               blocks of 64 rows of X
 */
export function packPanels(
  x: usize, rowStride: usize, columnStride: usize, k: i32, n: i32, panelVectors: i32, out: usize,
  begin: i32, end: i32,
): void {
  const last = min(end << 6, k)
  for (let row = begin << 6; row < last; row += ROWS) {
    const rows = min(ROWS, last - row)
    const from = x + <usize>row * rowStride
    for (let column = 0; column < n; column += panelVectors << 2) {
      const columns = min(panelVectors << 2, n - column)
      const rowBytes = <usize>((columns + 3) >> 2) << 4
      const to = out + <usize>(column << 2) * k + <usize>row * rowBytes
      const source = from + <usize>column * columnStride
      if (columnStride == 4) packRows(source, rowStride, rows, columns, to, rowBytes)
      else if (rowStride == 4) packTokens(source, columnStride, rows, columns, to, rowBytes)
      else packElements(source, rowStride, columnStride, rows, columns, to, rowBytes)
    }
  }
}

/**
 * The same to panels of about one width, in rows of the widest's `rowBytes`: of `panels` panels the first (vectors mod
 * panels) have one vector more than the others. Panel j begins at j * k * rowBytes.
 *
 * @param begin, end  blocks of 64 rows of X
 */
export function packEvenPanels(
  x: usize, rowStride: usize, columnStride: usize, k: i32, n: i32, panels: i32, rowBytes: usize, out: usize,
  begin: i32, end: i32,
): void {
  const vectors = (n + 3) >> 2
  const narrow = vectors / panels
  const wider = vectors % panels
  const last = min(end << 6, k)
  for (let row = begin << 6; row < last; row += ROWS) {
    const rows = min(ROWS, last - row)
    const from = x + <usize>row * rowStride
    for (let panel = 0; panel < panels; panel++) {
      const column = (panel * narrow + min(panel, wider)) << 2
      const columns = min((narrow + i32(panel < wider)) << 2, n - column)
      const to = out + <usize>(panel * k + row) * rowBytes
      const source = from + <usize>column * columnStride
      if (columnStride == 4) packRows(source, rowStride, rows, columns, to, rowBytes)
      else if (rowStride == 4) packTokens(source, columnStride, rows, columns, to, rowBytes)
      else packElements(source, rowStride, columnStride, rows, columns, to, rowBytes)
    }
  }
}

/** The first `lanes` (1 to 3) floats at `from`, zero beyond. */
// @ts-ignore: decorator
@inline function loadLanes(from: usize, lanes: i32): v128 {
  if (lanes == 1) return v128.load32_zero(from)
  const two = v128.load64_zero(from)
  return lanes == 2 ? two : v128.load32_lane(from, two, 2, 8)
}

function packRows(from: usize, stride: usize, rows: i32, columns: i32, to: usize, rowBytes: usize): void {
  const whole = <usize>(columns & ~3) << 2
  const fours = whole & ~63
  const lanes = columns & 3
  for (let row = 0; row < rows; row++) {
    let i: usize = 0
    for (; i < fours; i += 64) {
      v128.store(to + i, v128.load(from + i))
      v128.store(to + i, v128.load(from + i, 16), 16)
      v128.store(to + i, v128.load(from + i, 32), 32)
      v128.store(to + i, v128.load(from + i, 48), 48)
    }
    for (; i < whole; i += 16) v128.store(to + i, v128.load(from + i))
    if (lanes != 0) v128.store(to + whole, loadLanes(from + whole, lanes))
    from += stride
    to += rowBytes
  }
}

function packTokens(from: usize, stride: usize, rows: i32, columns: i32, to: usize, rowBytes: usize): void {
  for (let column = 0; column < columns; column += 4) {
    const lanes = columns - column
    let source = from + <usize>column * stride
    let target = to + (<usize>column << 2)
    let row = 0
    if (lanes >= 4) {
      for (; row + 4 <= rows; row += 4) {
        transpose4(source, stride, target, rowBytes)
        source += 16
        target += rowBytes << 2
      }
    }
    for (; row < rows; row++) {
      for (let lane = 0; lane < 4; lane++) store<f32>(target + (<usize>lane << 2), lane < lanes ? load<f32>(source + <usize>lane * stride) : 0)
      source += 4
      target += rowBytes
    }
  }
}

function packElements(from: usize, rowStride: usize, columnStride: usize, rows: i32, columns: i32, to: usize, rowBytes: usize): void {
  for (let row = 0; row < rows; row++) {
    let source = from
    for (let i: usize = 0; i < <usize>((columns + 3) & ~3) << 2; i += 4) {
      const inside = <i32>(i >> 2) < columns
      store<f32>(to + i, inside ? load<f32>(source) : 0)
      if (inside) source += columnStride
    }
    from += rowStride
    to += rowBytes
  }
}
