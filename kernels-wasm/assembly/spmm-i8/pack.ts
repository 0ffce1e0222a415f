// Activations quantised to 0..127 (lib/quantise.ts), in panels of up to 32 columns: panel after panel its k rows, of 16 or 32
// bytes. Columns beyond n hold anything in 0..127.
import { parameterBytes, quantise4 } from '../lib/quantise'

/**
 * Strides are bytes and may be anything; columnStride 4 is fastest.
 *
 * @param vectors     16 columns each, in a panel: 1 or 2; the last panel may be narrower
 * @param parameters  of the columns, from columnScales; 64 bytes behind them are read
 * @param begin, end  blocks of 64 rows of x
 */
export function packBytes(
  x: usize, rowStride: usize, columnStride: usize, k: i32, n: i32, vectors: i32, parameters: usize, out: usize,
  begin: i32, end: i32,
): void {
  const stride = parameterBytes(n)
  const last = min(end << 6, k)
  for (let column = 0; column < n; column += 16) {
    const panel = column / (16 * vectors)
    const width = min(vectors, (n - panel * 16 * vectors + 15) >> 4)
    const step = <usize>width << 4
    const row = begin << 6
    let to = out + <usize>(panel * 16 * vectors) * k + <usize>row * step + <usize>(column - panel * 16 * vectors)
    let from = x + <usize>row * rowStride + <usize>column * columnStride
    const own = parameters + (<usize>column << 2)
    const columns = n - column
    for (let i = row; i < last; i++, from += rowStride, to += step) {
      const low = i16x8.narrow_i32x4_s(
        four(from, columnStride, columns, own, stride),
        four(from + 4 * columnStride, columnStride, columns - 4, own + 16, stride),
      )
      const high = i16x8.narrow_i32x4_s(
        four(from + 8 * columnStride, columnStride, columns - 8, own + 32, stride),
        four(from + 12 * columnStride, columnStride, columns - 12, own + 48, stride),
      )
      v128.store(to, i8x16.narrow_i16x8_u(low, high))
    }
  }
}

/** Four columns of a row, `columns` of them inside of x. */
// @ts-ignore: decorator
@inline function four(from: usize, stride: usize, columns: i32, parameters: usize, apart: usize): v128 {
  let v: v128
  if (columns <= 0) return i32x4.splat(0)
  if (stride == 4 && columns >= 4) v = v128.load(from)
  else {
    v = v128.load32_zero(from)
    if (columns > 1) v = v128.load32_lane(from + stride, v, 1)
    if (columns > 2) v = v128.load32_lane(from + 2 * stride, v, 2)
    if (columns > 3) v = v128.load32_lane(from + 3 * stride, v, 3)
  }
  return quantise4(v, v128.load(parameters + apart), v128.load(parameters + 2 * apart))
}
