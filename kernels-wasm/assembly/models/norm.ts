// The normalised sum of a layer's output and its input, tokens in lanes: 16 tokens (a cache line) at a time.
import { madd } from '../lib/vector'

/**
 * x = norm(y + bias + x) for each token (Ba et al., arXiv 1607.06450): mean 0 and variance 1 over its features, times gain,
 * plus shift. Without y (0) x is normalised as it is.
 *
 * @param y, x               [width] rows of tokens, `stride` bytes apart, read and written 16 tokens at a time
 * @param bias, gain, shift  `width` floats
 * @param epsilonBits        an f32: what threads are given are whole numbers
 * @param begin, end         blocks of 16 tokens
 */
export function addNorm(y: usize, x: usize, stride: usize, width: i32, bias: usize, gain: usize, shift: usize, epsilonBits: i32, begin: i32, end: i32): void {
  const epsilon = reinterpret<f32>(epsilonBits)
  for (let block = <usize>begin << 6; block < <usize>end << 6; block += 64) normTokens(y ? y + block : 0, x + block, stride, width, bias, gain, shift, epsilon)
}

function normTokens(y: usize, x: usize, stride: usize, width: i32, bias: usize, gain: usize, shift: usize, epsilon: f32): void {
  const end = x + <usize>width * stride
  const inverse = f32x4.splat(1 / <f32>width)
  let s0 = f32x4.splat(0)
  let s1 = f32x4.splat(0)
  let s2 = f32x4.splat(0)
  let s3 = f32x4.splat(0)
  for (let p = x; p != end; p += stride) {
    let h0 = v128.load(p)
    let h1 = v128.load(p, 16)
    let h2 = v128.load(p, 32)
    let h3 = v128.load(p, 48)
    if (y) {
      const b = v128.load32_splat(bias)
      h0 = f32x4.add(h0, f32x4.add(v128.load(y), b))
      h1 = f32x4.add(h1, f32x4.add(v128.load(y, 16), b))
      h2 = f32x4.add(h2, f32x4.add(v128.load(y, 32), b))
      h3 = f32x4.add(h3, f32x4.add(v128.load(y, 48), b))
      v128.store(p, h0)
      v128.store(p, h1, 16)
      v128.store(p, h2, 32)
      v128.store(p, h3, 48)
      y += stride
      bias += 4
    }
    s0 = f32x4.add(s0, h0)
    s1 = f32x4.add(s1, h1)
    s2 = f32x4.add(s2, h2)
    s3 = f32x4.add(s3, h3)
  }
  const m0 = f32x4.mul(s0, inverse)
  const m1 = f32x4.mul(s1, inverse)
  const m2 = f32x4.mul(s2, inverse)
  const m3 = f32x4.mul(s3, inverse)
  s0 = f32x4.splat(0)
  s1 = f32x4.splat(0)
  s2 = f32x4.splat(0)
  s3 = f32x4.splat(0)
  for (let p = x; p != end; p += stride) {
    const d0 = f32x4.sub(v128.load(p), m0)
    const d1 = f32x4.sub(v128.load(p, 16), m1)
    const d2 = f32x4.sub(v128.load(p, 32), m2)
    const d3 = f32x4.sub(v128.load(p, 48), m3)
    s0 = madd(d0, d0, s0)
    s1 = madd(d1, d1, s1)
    s2 = madd(d2, d2, s2)
    s3 = madd(d3, d3, s3)
  }
  const f0 = factor(s0, inverse, epsilon)
  const f1 = factor(s1, inverse, epsilon)
  const f2 = factor(s2, inverse, epsilon)
  const f3 = factor(s3, inverse, epsilon)
  for (let p = x; p != end; p += stride) {
    const g = v128.load32_splat(gain)
    const b = v128.load32_splat(shift)
    v128.store(p, madd(f32x4.mul(f32x4.sub(v128.load(p), m0), f0), g, b))
    v128.store(p, madd(f32x4.mul(f32x4.sub(v128.load(p, 16), m1), f1), g, b), 16)
    v128.store(p, madd(f32x4.mul(f32x4.sub(v128.load(p, 32), m2), f2), g, b), 32)
    v128.store(p, madd(f32x4.mul(f32x4.sub(v128.load(p, 48), m3), f3), g, b), 48)
    gain += 4
    shift += 4
  }
}

/** 1 / sqrt(squares / width + epsilon). */
// @ts-ignore: decorator
@inline function factor(squares: v128, inverse: v128, epsilon: f32): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.sqrt(madd(squares, inverse, f32x4.splat(epsilon))))
}
