// Activation functions on contiguous floats. NaN stays NaN; infinities and -0 give what the definitions give in f64. Where a
// result is below 1e-34 in magnitude it is -0, so that no denormals arise.
import { hoisted } from './hoisted'
import { madd } from './vector'

/** The forms that `activate` knows; NONE leaves everything as it is. */
export const NONE: i32 = 0
export const RELU: i32 = 1
/** x Phi(x), exact (Hendrycks and Gimpel, arXiv 1606.08415). */
export const GELU: i32 = 2
/** Its approximation x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), usually written with tanh. */
export const GELU_TANH: i32 = 3
/** x sigmoid(x). */
export const SILU: i32 = 4

/** target[i] = f(source[i]) for `count` floats; target may be source. */
export function activate(target: usize, source: usize, count: i32, activation: i32): void {
  if (activation == RELU) relu(target, source, count)
  else if (activation == GELU) gelu(target, source, count)
  else if (activation == GELU_TANH) geluTanh(target, source, count)
  else if (activation == SILU) silu(target, source, count)
}

function gelu(target: usize, source: usize, count: i32): void {
  exponentials(target, source, count, GELU)
}

function geluTanh(target: usize, source: usize, count: i32): void {
  exponentials(target, source, count, GELU_TANH)
}

export function silu(target: usize, source: usize, count: i32): void {
  exponentials(target, source, count, SILU)
}

function relu(target: usize, source: usize, count: i32): void {
  const zero = f32x4.splat(0)
  for (; count > 0; count -= 4, source += 16, target += 16) {
    // pmax(x, 0) is x for NaN; adding 0 turns -0 into 0.
    storeFirst(target, f32x4.add(f32x4.pmax(loadFirst(source, count), zero), zero), count)
  }
}

// e^a for -87 <= a <= 88 with a relative error below 2e-7: a = n ln 2 + r in two steps, |r| <= 0.35, e^r by a polynomial of
// degree 6 (Remez, 4e-9). gelu: Phi(-u) = t P(t) exp(-u^2 / 2) with t = 1 / (1 + 0.305 u), P by Remez for u <= 13 (9.4e-8).
// @ts-ignore: decorator
@inline function exponentials(target: usize, source: usize, count: i32, activation: i32): void {
  const zero = f32x4.splat(<f32>count * 0)
  const one = hoisted(zero, 1)
  const shift = hoisted(zero, 12582912) // 1.5 * 2^23: n is in the low mantissa bits of a sum with it
  const log2e = hoisted(zero, 1.44269504)
  const ln2High = hoisted(zero, -0.693359375)
  const ln2Low = hoisted(zero, 2.1219444e-4)
  const e2 = hoisted(zero, 0.5000000106)
  const e3 = hoisted(zero, 0.1666650746)
  const e4 = hoisted(zero, 0.04166617124)
  const e5 = hoisted(zero, 0.008370253966)
  const e6 = hoisted(zero, 0.001395281366)
  const least = hoisted(zero, -80)
  const most = hoisted(zero, 87)
  const cubic = hoisted(zero, -0.07135481283)
  const linear = hoisted(zero, -1.595769122)
  const scale = hoisted(zero, 0.305)
  const minusHalf = hoisted(zero, -0.5)
  const p0 = hoisted(zero, 0.1216397331)
  const p1 = hoisted(zero, 0.1224668092)
  const p2 = hoisted(zero, 0.1034209183)
  const p3 = hoisted(zero, 0.1210214978)
  const p4 = hoisted(zero, -0.03797647153)
  const p5 = hoisted(zero, 0.1857165002)
  const p6 = hoisted(zero, -0.1529880706)
  const p7 = hoisted(zero, 0.03669913062)
  // Where f(x) is -0: below -12.5 for gelu, where the exponent is above 86 for the others.
  const limit = activation == GELU ? hoisted(zero, -12.5) : hoisted(zero, 86)
  const minusZero = f32x4.splat(-0.0)

  for (; count > 0; count -= 4, source += 16, target += 16) {
    const x = loadFirst(source, count)
    let a: v128
    if (activation == GELU) a = f32x4.mul(f32x4.mul(x, x), minusHalf)
    else if (activation == GELU_TANH) a = f32x4.mul(x, madd(f32x4.mul(x, x), cubic, linear))
    else a = f32x4.neg(x)
    const vanishes = activation == GELU ? f32x4.lt(x, limit) : f32x4.gt(a, limit)
    a = f32x4.pmin(f32x4.pmax(a, least), most)

    const t = madd(a, log2e, shift)
    const n = f32x4.sub(t, shift)
    const r = madd(n, ln2Low, madd(n, ln2High, a))
    const r2 = f32x4.mul(r, r)
    // Estrin's order: half the latency of Horner's.
    const high = madd(r2, madd(r, e6, e5), madd(r, e4, e3))
    let e = madd(f32x4.mul(r2, r), high, madd(r2, e2, f32x4.add(r, one)))
    e = i32x4.add(e, i32x4.shl(t, 23))

    let f: v128
    if (activation == GELU) {
      const s = f32x4.div(one, madd(f32x4.abs(x), scale, one))
      const s2 = f32x4.mul(s, s)
      const upper = madd(s2, madd(s, p7, p6), madd(s, p5, p4))
      const lower = madd(s2, madd(s, p3, p2), madd(s, p1, p0))
      const below = f32x4.mul(f32x4.mul(s, e), madd(f32x4.mul(s2, s2), upper, lower))
      f = f32x4.mul(x, v128.bitselect(below, f32x4.sub(one, below), f32x4.lt(x, f32x4.splat(0))))
    } else {
      f = f32x4.div(x, f32x4.add(one, e))
    }
    storeFirst(target, v128.bitselect(minusZero, f, vanishes), count)
  }
}

/** Up to four floats, zeros beyond `count`. */
// @ts-ignore: decorator
@inline function loadFirst(source: usize, count: i32): v128 {
  if (count >= 4) return v128.load(source)
  if (count == 1) return v128.load32_zero(source)
  const two = v128.load64_zero(source)
  return count == 2 ? two : v128.load32_lane(source, two, 2, 8)
}

// @ts-ignore: decorator
@inline function storeFirst(target: usize, x: v128, count: i32): void {
  if (count >= 4) {
    v128.store(target, x)
    return
  }
  v128.store32_lane(target, x, 0)
  if (count > 1) v128.store32_lane(target, x, 1, 4)
  if (count > 2) v128.store32_lane(target, x, 2, 8)
}
