// Backward pass of activations: dz = dy * f'(z), and the sums of dz that are the gradients of a bias.
// Strides are bytes between rows; within a row elements are contiguous. A pointer of 0 means "none".
import { C2, C3, C4, C5, exp, LEAST, LOG2E, MINUS_LN2, ONE, SHIFT } from '../attention/exponential'
import { GELU, GELU_TANH, NONE, RELU, SILU } from '../lib/activation'
import { hoisted } from '../lib/hoisted'
import { madd, sum } from '../lib/vector'

/**
 * @param z     pre-activations; not read if `activation` is NONE
 * @param dz    may be dy, may be 0
 * @param dBias one number for each row, may be 0
 * @param begin, end  rows
 */
export function slopeRows(
  dy: usize, dyStride: usize, z: usize, zStride: usize, dz: usize, dzStride: usize, columns: i32, dBias: usize,
  activation: i32, begin: i32, end: i32,
): void {
  for (let row = begin; row < end; row++) {
    let from = dy + <usize>row * dyStride
    if (activation != NONE) {
      const to = dz + <usize>row * dzStride
      applySlope(to, from, z + <usize>row * zStride, columns, activation)
      from = to
    } else if (dz) memory.copy(dz + <usize>row * dzStride, from, <usize>columns << 2)
    if (dBias) store<f32>(dBias + (<usize>row << 2), sumOfRow(from, columns))
  }
}

/** Sums of the columns of dz [rows, columns], over all rows in their order. [begin, end): groups of 64 columns. */
export function sumColumns(dz: usize, stride: usize, rows: i32, columns: i32, dBias: usize, begin: i32, end: i32): void {
  const last = min(columns, end << 6)
  for (let column = begin << 6; column < last; column += 4) {
    let from = dz + (<usize>column << 2)
    let to = dBias + (<usize>column << 2)
    if (column + 4 <= last) {
      let total = f32x4.splat(0)
      for (let row = 0; row < rows; row++, from += stride) total = f32x4.add(total, v128.load(from))
      v128.store(to, total)
    } else {
      for (let i = column; i < last; i++, to += 4) {
        let p = dz + (<usize>i << 2)
        let total: f32 = 0
        for (let row = 0; row < rows; row++, p += stride) total += load<f32>(p)
        store<f32>(to, total)
      }
    }
  }
}

function sumOfRow(p: usize, columns: i32): f32 {
  let a = f32x4.splat(0)
  let b = a
  for (; columns >= 8; columns -= 8, p += 32) {
    a = f32x4.add(a, v128.load(p))
    b = f32x4.add(b, v128.load(p, 16))
  }
  let total = sum(f32x4.add(a, b))
  for (; columns > 0; columns--, p += 4) total += load<f32>(p)
  return total
}

function applySlope(to: usize, dy: usize, z: usize, count: i32, activation: i32): void {
  if (activation == RELU) relu(to, dy, z, count)
  else if (activation == GELU) gelu(to, dy, z, count)
  else if (activation == GELU_TANH) geluTanh(to, dy, z, count)
  else if (activation == SILU) silu(to, dy, z, count)
}

function relu(to: usize, dy: usize, z: usize, count: i32): void {
  const zero = f32x4.splat(0)
  for (; count >= 4; count -= 4, to += 16, dy += 16, z += 16)
    v128.store(to, v128.andnot(v128.load(dy), f32x4.le(v128.load(z), zero)))
  // What is not at most 0 is NaN or more: both pass the gradient on.
  for (; count > 0; count--, to += 4, dy += 4, z += 4) store<f32>(to, load<f32>(z) <= 0 ? 0 : load<f32>(dy))
}

function gelu(to: usize, dy: usize, z: usize, count: i32): void {
  smooth(to, dy, z, count, GELU)
}

function geluTanh(to: usize, dy: usize, z: usize, count: i32): void {
  smooth(to, dy, z, count, GELU_TANH)
}

function silu(to: usize, dy: usize, z: usize, count: i32): void {
  smooth(to, dy, z, count, SILU)
}

// All slopes are taken of -|x|, where exponentials cannot overflow, and mirrored: f'(x) = 1 - f'(-x) for every one of them.
// Beyond 40 they are 0 and 1 anyway, so that infinities need no care; NaN stays.
// gelu: Phi(-u) = t P(t) exp(-u^2 / 2) as in ../lib/activation.ts. The others are sigmoids: s + x s (1 - s) a'.
// @ts-ignore: decorator
@inline function smooth(to: usize, dy: usize, z: usize, count: i32, activation: i32): void {
  const zero = f32x4.splat(<f32>count * 0)
  const log2e = LOG2E(zero)
  const shift = SHIFT(zero)
  const minusLn2 = MINUS_LN2(zero)
  const least = LEAST(zero)
  const one = ONE(zero)
  const c2 = C2(zero)
  const c3 = C3(zero)
  const c4 = C4(zero)
  const c5 = C5(zero)
  const most = hoisted(zero, 40)
  const cubic = hoisted(zero, 0.07135481283)
  const linear = hoisted(zero, 1.595769122)
  const slopeCubic = hoisted(zero, 0.21406443849)
  const scale = hoisted(zero, 0.305)
  const minusHalf = hoisted(zero, -0.5)
  const density = hoisted(zero, 0.3989422804)
  const p0 = hoisted(zero, 0.1216397331)
  const p1 = hoisted(zero, 0.1224668092)
  const p2 = hoisted(zero, 0.1034209183)
  const p3 = hoisted(zero, 0.1210214978)
  const p4 = hoisted(zero, -0.03797647153)
  const p5 = hoisted(zero, 0.1857165002)
  const p6 = hoisted(zero, -0.1529880706)
  const p7 = hoisted(zero, 0.03669913062)
  for (; count > 0; count -= 4, to += 16, dy += 16, z += 16) {
    const x = loadFirst(z, count)
    const magnitude = f32x4.pmin(f32x4.abs(x), most)
    const u = v128.bitselect(x, magnitude, f32x4.ne(x, x))
    const u2 = f32x4.mul(u, u)
    let below: v128
    if (activation == GELU) {
      const e = exp(f32x4.mul(u2, minusHalf), log2e, shift, minusLn2, least, one, c2, c3, c4, c5)
      const s = f32x4.div(one, madd(u, scale, one))
      const s2 = f32x4.mul(s, s)
      const upper = madd(s2, madd(s, p7, p6), madd(s, p5, p4))
      const lower = madd(s2, madd(s, p3, p2), madd(s, p1, p0))
      const phi = f32x4.mul(s, madd(f32x4.mul(s2, s2), upper, lower))
      below = f32x4.mul(e, f32x4.sub(phi, f32x4.mul(u, density)))
    } else {
      const argument = activation == SILU ? u : f32x4.mul(u, madd(u2, cubic, linear))
      const e = exp(f32x4.neg(argument), log2e, shift, minusLn2, least, one, c2, c3, c4, c5)
      const r = f32x4.div(one, f32x4.add(one, e))
      const s = f32x4.mul(e, r)
      const steep = activation == SILU ? u : f32x4.mul(u, madd(u2, slopeCubic, linear))
      below = f32x4.mul(s, f32x4.sub(one, f32x4.mul(steep, r)))
    }
    const slope = v128.bitselect(f32x4.sub(one, below), below, f32x4.gt(x, f32x4.splat(0)))
    storeFirst(to, f32x4.mul(loadFirst(dy, count), slope), count)
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
