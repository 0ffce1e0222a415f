// Dense f32 matrix x vector on row-major weights as they are: nothing is packed.
import { madd, sum } from '../lib/vector'

/**
 * y = A x: y[i] at y + i * yStride, row i of A contiguous at a + i * aStride, x contiguous. M, K >= 0.
 * Four rows at once, two chains each: four streams from memory share every load of x.
 * [begin, end): groups of four rows, of ceil(M / 4).
 */
export function gemv(
  y: usize,
  yStride: usize,
  a: usize,
  aStride: usize,
  x: usize,
  m: i32,
  k: i32,
  begin: i32,
  end: i32,
): void {
  const pairBytes = <usize>(k & ~7) << 2
  for (let row = begin << 2; row < min(end << 2, m); row += 4) {
    // Rows beyond the last read row `row` again and are not stored.
    const valid = m - row
    let a0 = a + <usize>row * aStride
    let a1 = valid > 1 ? a0 + aStride : a0
    let a2 = valid > 2 ? a0 + 2 * aStride : a0
    let a3 = valid > 3 ? a0 + 3 * aStride : a0
    let p = x
    let u0 = f32x4.splat(0)
    let v0 = u0
    let u1 = u0
    let v1 = u0
    let u2 = u0
    let v2 = u0
    let u3 = u0
    let v3 = u0
    for (const pEnd = x + pairBytes; p < pEnd; p += 32) {
      const s = v128.load(p)
      const t = v128.load(p, 16)
      u0 = madd(v128.load(a0), s, u0)
      v0 = madd(v128.load(a0, 16), t, v0)
      u1 = madd(v128.load(a1), s, u1)
      v1 = madd(v128.load(a1, 16), t, v1)
      u2 = madd(v128.load(a2), s, u2)
      v2 = madd(v128.load(a2, 16), t, v2)
      u3 = madd(v128.load(a3), s, u3)
      v3 = madd(v128.load(a3, 16), t, v3)
      a0 += 32
      a1 += 32
      a2 += 32
      a3 += 32
    }
    if (k & 4) {
      const s = v128.load(p)
      u0 = madd(v128.load(a0), s, u0)
      u1 = madd(v128.load(a1), s, u1)
      u2 = madd(v128.load(a2), s, u2)
      u3 = madd(v128.load(a3), s, u3)
      a0 += 16
      a1 += 16
      a2 += 16
      a3 += 16
      p += 16
    }
    let s0 = sum(f32x4.add(u0, v0))
    let s1 = sum(f32x4.add(u1, v1))
    let s2 = sum(f32x4.add(u2, v2))
    let s3 = sum(f32x4.add(u3, v3))
    for (let i = 0; i < (k & 3); i++, p += 4) {
      const s = load<f32>(p)
      s0 += load<f32>(a0 + (<usize>i << 2)) * s
      s1 += load<f32>(a1 + (<usize>i << 2)) * s
      s2 += load<f32>(a2 + (<usize>i << 2)) * s
      s3 += load<f32>(a3 + (<usize>i << 2)) * s
    }
    const to = y + <usize>row * yStride
    store<f32>(to, s0)
    if (valid > 1) store<f32>(to + yStride, s1)
    if (valid > 2) store<f32>(to + 2 * yStride, s2)
    if (valid > 3) store<f32>(to + 3 * yStride, s3)
  }
}
