// GELU by a rational function. core's has small relative errors far into the negative tail, for which it needs e^x; networks
// need small absolute ones.
import { hoisted } from '../lib/hoisted'
import { madd } from '../lib/vector'

/** Beyond it, Φ is 0 or 1 up to 1e-8. */
const LIMIT: f32 = 5.6

/**
 * y = gelu(y + bias) with gelu(x) = x Φ(x) (Hendrycks and Gimpel, arXiv 1606.08415), off by at most 2e-7 max(1, |x|):
 * Φ(x) = 1/2 + x P(x²) / Q(x²) on |x| <= 5.6, degrees 5 and 5 (Lawson's iteration, 2.8e-8 before rounding).
 *
 * @param y           rows of tokens, `stride` bytes apart, written in vectors
 * @param vectors     of a row
 * @param bias        one float for each row
 * @param begin, end  rows
 */
export function addGelu(y: usize, stride: usize, vectors: i32, bias: usize, begin: i32, end: i32): void {
  const zero = f32x4.splat(<f32>vectors * 0)
  const least = hoisted(zero, -LIMIT)
  const most = hoisted(zero, LIMIT)
  const half = hoisted(zero, 0.5)
  const one = hoisted(zero, 1)
  const p0 = hoisted(zero, 0.398941902)
  const p1 = hoisted(zero, 0.0358448199)
  const p2 = hoisted(zero, 0.004805259417)
  const p3 = hoisted(zero, 0.0001901279507)
  const p4 = hoisted(zero, 6.590069449e-6)
  const p5 = hoisted(zero, 2.171060265e-8)
  const q1 = hoisted(zero, 0.256512392)
  const q2 = hoisted(zero, 0.02980256113)
  const q3 = hoisted(zero, 0.002003206885)
  const q4 = hoisted(zero, 8.100037563e-5)
  const q5 = hoisted(zero, 1.185115116e-6)
  const bytes = <usize>vectors << 4
  for (let row = begin; row < end; row++) {
    const b = v128.load32_splat(bias + (<usize>row << 2))
    const from = y + <usize>row * stride
    for (let p = from; p != from + bytes; p += 16) {
      // NaN stays NaN: pmax and pmin give their first operand then.
      const x = f32x4.pmax(f32x4.add(v128.load(p), b), least)
      const c = f32x4.pmin(x, most)
      const z = f32x4.mul(c, c)
      const numerator = madd(z, madd(z, madd(z, madd(z, madd(z, p5, p4), p3), p2), p1), p0)
      const denominator = madd(z, madd(z, madd(z, madd(z, madd(z, q5, q4), q3), q2), q1), one)
      v128.store(p, f32x4.mul(x, madd(c, f32x4.div(numerator, denominator), half)))
    }
  }
}
