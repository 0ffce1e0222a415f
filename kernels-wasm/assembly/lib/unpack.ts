// Results leave their scratch area: rows of ceil(columns / 4) vectors without gaps.
import { transpose4 } from './vector'

/** Stores the first `lanes` (1 to 3) lanes. */
// @ts-ignore: decorator
@inline function storeLanes(to: usize, v: v128, lanes: i32): void {
  v128.store32_lane(to, v, 0)
  if (lanes > 1) v128.store32_lane(to, v, 1, 4)
  if (lanes > 2) v128.store32_lane(to, v, 2, 8)
}

/** To rows of y, `stride` bytes apart; nothing beyond `columns` is written. */
export function unpackRows(area: usize, rows: i32, columns: i32, y: usize, stride: usize): void {
  const whole = <usize>(columns & ~3) << 2
  const lanes = columns & 3
  for (let row = 0; row < rows; row++) {
    for (let i: usize = 0; i < whole; i += 16) v128.store(y + i, v128.load(area + i))
    area += whole
    if (lanes != 0) {
      storeLanes(y + whole, v128.load(area), lanes)
      area += 16
    }
    y += stride
  }
}

/** To columns of y (tokens), `stride` bytes apart, by 4x4 transposes. */
export function unpackTokens(area: usize, rows: i32, columns: i32, y: usize, stride: usize): void {
  const rowBytes = <usize>((columns + 3) >> 2) << 4
  for (let column = 0; column < columns; column += 4) {
    const lanes = min(4, columns - column)
    let from = area + (<usize>column << 2)
    let to = y + <usize>column * stride
    let row = 0
    if (lanes == 4) {
      for (; row + 4 <= rows; row += 4) {
        transpose4(from, rowBytes, to, stride)
        from += rowBytes << 2
        to += 16
      }
    }
    for (; row < rows; row++) {
      for (let lane = 0; lane < lanes; lane++) store<f32>(to + <usize>lane * stride, load<f32>(from + (<usize>lane << 2)))
      from += rowBytes
      to += 4
    }
  }
}
