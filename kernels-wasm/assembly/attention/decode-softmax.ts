// Online softmax of one query whose scores stand in a row.
import { sum } from '../lib/vector'
import { C2, C3, C4, C5, exp, LEAST, LOG2E, MINUS_LN2, ONE, SHIFT } from './exponential'

/** e^x of four lanes, where it is not worth keeping the constants. */
// @ts-ignore: decorator
@inline export function exp4(x: v128): v128 {
  const zero = f32x4.splat(0)
  return exp(x, LOG2E(zero), SHIFT(zero), MINUS_LN2(zero), LEAST(zero), ONE(zero), C2(zero), C3(zero), C4(zero), C5(zero))
}

/**
 * `bytes` bytes of scores become weights. State: maximum, sum, and from byte 16 on the output so far, which is scaled where
 * the maximum rose.
 */
export function weigh(scores: usize, bytes: usize, state: usize, outputBytes: usize): void {
  const old = v128.load32_splat(state)
  const end = scores + bytes
  let m = old
  for (let at = scores; at != end; at += 16) m = f32x4.pmax(m, v128.load(at))
  m = f32x4.pmax(m, i8x16.shuffle(m, m, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  m = f32x4.pmax(m, i8x16.shuffle(m, m, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11))
  const zero = f32x4.splat(<f32>bytes * 0)
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
  for (let at = scores; at != end; at += 16) {
    const p = exp(f32x4.sub(v128.load(at), m), log2e, shift, ln2, least, one, c2, c3, c4, c5)
    v128.store(at, p)
    total = f32x4.add(total, p)
  }
  const factor = exp(f32x4.sub(old, m), log2e, shift, ln2, least, one, c2, c3, c4, c5)
  store<f32>(state, f32x4.extract_lane(factor, 0) * load<f32>(state, 4) + sum(total), 4)
  v128.store32_lane(state, m, 0)
  if (v128.all_true<i32>(f32x4.eq(factor, one))) return
  for (let at = state + 16; at != state + 16 + outputBytes; at += 16) v128.store(at, f32x4.mul(factor, v128.load(at)))
}
