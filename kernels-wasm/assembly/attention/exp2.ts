// 2^x for x <= 0 and log2 x, four lanes at a time.
import { madd } from '../lib/vector'

/** Below this power 2^x is 0: well above the denormals, which are slow. */
const LEAST: f32 = -80

/**
 * A constant that stays out of loops: V8 rebuilds literals at every use. `zero` is a zero that no compiler knows to be one.
 */
// @ts-ignore: decorator
@inline export function hoisted(zero: v128, value: f32): v128 {
  return f32x4.add(zero, f32x4.splat(value))
}

/**
 * 2^x for x <= 0: n + r with |r| <= 1/2, 2^r by a polynomial of degree 5 (Remez, relative error 7.5e-8). 0 below -80, and
 * for -infinity; NaN stays NaN. The constants c0..c5, `shift` and `least` come from `hoisted`.
 */
// @ts-ignore: decorator
@inline export function exp2(
  x: v128,
  shift: v128,
  least: v128,
  c0: v128,
  c1: v128,
  c2: v128,
  c3: v128,
  c4: v128,
  c5: v128,
): v128 {
  const t = f32x4.add(x, shift)
  const r = f32x4.sub(x, f32x4.sub(t, shift))
  const p = madd(r, madd(r, madd(r, madd(r, madd(r, c5, c4), c3), c2), c1), c0)
  return v128.andnot(i32x4.add(p, i32x4.shl(t, 23)), f32x4.lt(x, least))
}

/** 1.5 * 2^23: n stands in the low mantissa bits of a sum with it. */
// @ts-ignore: decorator
@inline export function SHIFT(zero: v128): v128 {
  return hoisted(zero, 12582912)
}
// @ts-ignore: decorator
@inline export function FLOOR(zero: v128): v128 {
  return hoisted(zero, LEAST)
}
// @ts-ignore: decorator
@inline export function C0(zero: v128): v128 {
  return hoisted(zero, 1)
}
// @ts-ignore: decorator
@inline export function C1(zero: v128): v128 {
  return hoisted(zero, 0.693146944)
}
// @ts-ignore: decorator
@inline export function C2(zero: v128): v128 {
  return hoisted(zero, 0.2402212024)
}
// @ts-ignore: decorator
@inline export function C3(zero: v128): v128 {
  return hoisted(zero, 0.05550713092)
}
// @ts-ignore: decorator
@inline export function C4(zero: v128): v128 {
  return hoisted(zero, 0.009675540961)
}
// @ts-ignore: decorator
@inline export function C5(zero: v128): v128 {
  return hoisted(zero, 0.001327647245)
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
