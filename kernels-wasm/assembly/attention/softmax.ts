// Online softmax (Milakov and Gimelshein, arXiv 1805.02867) over chunks of scores [key][query].
import { C2, C3, C4, C5, exp, LEAST, LOG2E, MINUS_LN2, ONE, SHIFT } from './exponential'
import { STRIDE } from './tiles'

/** Where a maximum starts: not -infinity, so that a row without keys does not subtract it from itself. */
export const LOWEST: f32 = -3.4e38

/** The 8 numbers at `maximum` become the maxima of themselves and of the scores of 8 queries. */
export function raise(scores: usize, keys: i32, maximum: usize): void {
  let m = v128.load(maximum)
  let m2 = v128.load(maximum, 16)
  for (const end = scores + <usize>keys * STRIDE; scores != end; scores += STRIDE) {
    m = f32x4.pmax(m, v128.load(scores))
    m2 = f32x4.pmax(m2, v128.load(scores, 16))
  }
  v128.store(maximum, m)
  v128.store(maximum, m2, 16)
}

/**
 * Scores of 4 queries become e^(score - maximum) and their sums join `sum`. The maximum was `old` for what was summed before:
 * `factor` is what all that has to be multiplied by.
 */
export function softmax(scores: usize, keys: i32, old: usize, maximum: usize, sum: usize, factor: usize): void {
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
  const m = v128.load(maximum)
  const f = exp(f32x4.sub(v128.load(old), m), log2e, shift, ln2, least, one, c2, c3, c4, c5)
  let total = f32x4.mul(f, v128.load(sum))
  for (const end = scores + <usize>keys * STRIDE; scores != end; scores += STRIDE) {
    const p = exp(f32x4.sub(v128.load(scores), m), log2e, shift, ln2, least, one, c2, c3, c4, c5)
    v128.store(scores, p)
    total = f32x4.add(total, p)
  }
  v128.store(old, m)
  v128.store(factor, f)
  v128.store(sum, total)
}
