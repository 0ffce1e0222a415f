// Matrix x vector on weights of one byte with a scale for each 32 neighbours of a row, x in f32: products are those of the
// widened weights, so that nothing is rounded but f32 sums.
import { madd, sum } from '../lib/vector'

/** Sum of 8 bytes times 8 floats, added to `acc`. */
// @ts-ignore: decorator
@inline function eight(p: usize, x0: v128, x1: v128, acc: v128): v128 {
  const words = v128.load8x8_s(p)
  const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words))
  const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words))
  return madd(high, x1, madd(low, x0, acc))
}

/**
 * y[i] = sum of data[i, k] * scales[i, k / 32] * x[k] for rows i in [begin, end).
 *
 * @param columns a multiple of 32
 */
export function byteRows(y: usize, data: usize, scales: usize, x: usize, columns: i32, begin: i32, end: i32): void {
  const rowBytes = <usize>columns
  const scaleBytes = rowBytes >> 3
  for (let row = begin; row < end; row += 4) {
    // Rows beyond the last read row `row` again and are not stored.
    const valid = end - row
    let p = data + <usize>row * rowBytes
    let s = scales + <usize>row * scaleBytes
    const second = valid > 1 ? rowBytes : 0
    const third = valid > 2 ? 2 * rowBytes : 0
    const fourth = valid > 3 ? 3 * rowBytes : 0
    let t0 = f32x4.splat(0)
    let t1 = t0
    let t2 = t0
    let t3 = t0
    for (let q = x, last = x + (rowBytes << 2); q < last; q += 128, p += 32, s += 4) {
      let a0 = f32x4.splat(0)
      let a1 = a0
      let a2 = a0
      let a3 = a0
      for (let i: usize = 0; i < 32; i += 8) {
        const x0 = v128.load(q + (i << 2))
        const x1 = v128.load(q + (i << 2), 16)
        a0 = eight(p + i, x0, x1, a0)
        a1 = eight(p + i + second, x0, x1, a1)
        a2 = eight(p + i + third, x0, x1, a2)
        a3 = eight(p + i + fourth, x0, x1, a3)
      }
      t0 = madd(a0, v128.load32_splat(s), t0)
      t1 = madd(a1, v128.load32_splat(s + (second >> 3)), t1)
      t2 = madd(a2, v128.load32_splat(s + (third >> 3)), t2)
      t3 = madd(a3, v128.load32_splat(s + (fourth >> 3)), t3)
    }
    const to = y + (<usize>row << 2)
    store<f32>(to, sum(t0))
    if (valid > 1) store<f32>(to, sum(t1), 4)
    if (valid > 2) store<f32>(to, sum(t2), 8)
    if (valid > 3) store<f32>(to, sum(t3), 12)
  }
}
