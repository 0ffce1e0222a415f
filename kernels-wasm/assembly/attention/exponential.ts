// e^x for x <= 0 and ln x, four lanes at a time.
import { hoisted } from '../lib/hoisted'
import { madd } from '../lib/vector'

// Constants of `exp`, in the order of its arguments. See lib/hoisted.ts for why they are arguments.
// @ts-ignore: decorator
@inline export function LOG2E(zero: v128): v128 {
  return hoisted(zero, 1.4426950409)
}
/** 1.5 * 2^23: a whole number stands in the low mantissa bits of its sum with it. */
// @ts-ignore: decorator
@inline export function SHIFT(zero: v128): v128 {
  return hoisted(zero, 12582912)
}
// @ts-ignore: decorator
@inline export function MINUS_LN2(zero: v128): v128 {
  return hoisted(zero, -0.6931471806)
}
/** Below this e^x is 0: 2^-80 is well above the denormals, which are slow. */
// @ts-ignore: decorator
@inline export function LEAST(zero: v128): v128 {
  return hoisted(zero, -55.45)
}
// @ts-ignore: decorator
@inline export function ONE(zero: v128): v128 {
  return hoisted(zero, 1)
}
// @ts-ignore: decorator
@inline export function C2(zero: v128): v128 {
  return hoisted(zero, 0.499992311)
}
// @ts-ignore: decorator
@inline export function C3(zero: v128): v128 {
  return hoisted(zero, 0.1666711569)
}
// @ts-ignore: decorator
@inline export function C4(zero: v128): v128 {
  return hoisted(zero, 0.04189033061)
}
// @ts-ignore: decorator
@inline export function C5(zero: v128): v128 {
  return hoisted(zero, 0.008312501013)
}

/**
 * e^x for x <= 0 (and a little above): x = n ln 2 + r with |r| <= ln 2 / 2, e^r by a polynomial of degree 5 whose first
 * coefficients are 1 (Lawson, relative error 1.05e-7). 0 below -55.45 and for -infinity; NaN stays NaN.
 */
// @ts-ignore: decorator
@inline export function exp(
  x: v128,
  log2e: v128,
  shift: v128,
  minusLn2: v128,
  least: v128,
  one: v128,
  c2: v128,
  c3: v128,
  c4: v128,
  c5: v128,
): v128 {
  const t = madd(x, log2e, shift)
  const r = madd(f32x4.sub(t, shift), minusLn2, x)
  const p = madd(r, madd(r, madd(r, madd(r, madd(r, c5, c4), c3), c2), one), one)
  return v128.andnot(i32x4.add(p, i32x4.shl(t, 23)), f32x4.lt(x, least))
}

/** ln x for normal x > 0: 2 artanh((m - 1) / (m + 1)) + e ln 2 with sqrt(1/2) <= m < sqrt(2). */
// @ts-ignore: decorator
@inline export function ln(x: v128): v128 {
  const offset = i32x4.sub(x, i32x4.splat(0x3f3504f3))
  const exponent = i32x4.shr_s(offset, 23)
  const m = i32x4.sub(x, i32x4.shl(exponent, 23))
  const one = f32x4.splat(1)
  const z = f32x4.div(f32x4.sub(m, one), f32x4.add(m, one))
  const z2 = f32x4.mul(z, z)
  let p = madd(z2, f32x4.splat(0.2222222222), f32x4.splat(0.2857142857))
  p = madd(z2, madd(z2, p, f32x4.splat(0.4)), f32x4.splat(0.6666666667))
  p = madd(f32x4.mul(z2, z), p, f32x4.add(z, z))
  return madd(f32x4.convert_i32x4_s(exponent), f32x4.splat(0.6931471806), p)
}
