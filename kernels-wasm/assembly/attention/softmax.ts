// Online softmax (Milakov and Gimelshein, arXiv 1805.02867) over chunks of scores [key][query].
import { C2, C3, C4, C5, exp, LEAST, LOG2E, MINUS_LN2, ONE, SHIFT } from './exponential'

/** Where a maximum starts: not -infinity, so that a row without keys does not subtract it from itself. */
export const LOWEST: f32 = -3.4e38

/**
 * Scores of 8 queries become e^(score - maximum); their sums join `sum`, and `factor` is what everything summed before has
 * to be multiplied by, since the maximum rose.
 */
export function softmax(
  scores: usize,
  stride: usize,
  keys: i32,
  maximum: usize,
  sum: usize,
  factor: usize,
): void {
  const end = scores + <usize>keys * stride
  const old = v128.load(maximum)
  const old2 = v128.load(maximum, 16)
  let m = old
  let m2 = old2
  for (let at = scores; at != end; at += stride) {
    m = f32x4.pmax(m, v128.load(at))
    m2 = f32x4.pmax(m2, v128.load(at, 16))
  }
  const zero = f32x4.splat(<f32>keys * 0)
  const log2e = LOG2E(zero)
  const shift = SHIFT(zero)
  const ln2 = MINUS_LN2(zero)
  const least = LEAST(zero)
  const one = ONE(zero)
  const c2 = C2(zero)
  const c3 = C3(zero)
  const c4 = C4(zero)
  const c5 = C5(zero)
  let total = zero
  let total2 = zero
  for (let at = scores; at != end; at += stride) {
    const p = exp(f32x4.sub(v128.load(at), m), log2e, shift, ln2, least, one, c2, c3, c4, c5)
    v128.store(at, p)
    total = f32x4.add(total, p)
    const p2 = exp(f32x4.sub(v128.load(at, 16), m2), log2e, shift, ln2, least, one, c2, c3, c4, c5)
    v128.store(at, p2, 16)
    total2 = f32x4.add(total2, p2)
  }
  const f = exp(f32x4.sub(old, m), log2e, shift, ln2, least, one, c2, c3, c4, c5)
  const f2 = exp(f32x4.sub(old2, m2), log2e, shift, ln2, least, one, c2, c3, c4, c5)
  v128.store(factor, f)
  v128.store(factor, f2, 16)
  v128.store(maximum, m)
  v128.store(maximum, m2, 16)
  v128.store(sum, f32x4.add(f32x4.mul(f, v128.load(sum)), total))
  v128.store(sum, f32x4.add(f32x4.mul(f2, v128.load(sum, 16)), total2), 16)
}
