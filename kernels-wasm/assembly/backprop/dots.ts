// Dot products of one row of Y, which stays in registers, with four rows of X at once, and their reduction.
//
// Two loads per cycle bind on current processors, and a product takes one: hence Y in registers. The four chains of a four
// and those of the next one run at the same time, out of order; four reductions are six shuffles and three additions.
// Share of the peak with all in L1 (Zen 4, 8 vectors of Y): 69 to 72 %, 77 without the reductions. One product after the other
// 62, with two chains each 69; eight at once leave room for six vectors of Y, 74, but then there are more reductions. No gain:
// two fours in a turn, rows of X read at different columns. What is left is the number of instructions: V8 folds no loads, so
// that a product takes two, and with addresses, reductions and the loop a four takes about 100 in 16 cycles at best.
import { madd } from '../lib/vector'

/** Lane i is the sum of the lanes of vector i. */
// @ts-ignore: decorator
@inline export function sumOfEach(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(
    i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23),
    i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31),
  )
  const cd = f32x4.add(
    i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23),
    i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31),
  )
  return f32x4.add(i64x2.shuffle(ab, cd, 0, 2), i64x2.shuffle(ab, cd, 1, 3))
}

/**
 * Dot products of V vectors of Y with those at four addresses; V is a constant at each call.
 *
 * @param never 0, what no compiler knows. The traps keep Binaryen from nesting a chain into one expression, whose loads V8
 *              would all do first and then spill (29 against 52 % of the peak); V8 leaves one test of them.
 */
// @ts-ignore: decorator
@inline export function fourDots(
  V: i32, never: i32, x0: usize, x1: usize, x2: usize, x3: usize,
  y0: v128, y1: v128, y2: v128, y3: v128, y4: v128, y5: v128, y6: v128, y7: v128,
): v128 {
  let s0 = f32x4.mul(y0, v128.load(x0))
  let s1 = f32x4.mul(y0, v128.load(x1))
  let s2 = f32x4.mul(y0, v128.load(x2))
  let s3 = f32x4.mul(y0, v128.load(x3))
  if (V > 1) {
    if (never) unreachable()
    s0 = madd(y1, v128.load(x0, 16), s0)
    s1 = madd(y1, v128.load(x1, 16), s1)
    s2 = madd(y1, v128.load(x2, 16), s2)
    s3 = madd(y1, v128.load(x3, 16), s3)
  }
  if (V > 2) {
    if (never) unreachable()
    s0 = madd(y2, v128.load(x0, 32), s0)
    s1 = madd(y2, v128.load(x1, 32), s1)
    s2 = madd(y2, v128.load(x2, 32), s2)
    s3 = madd(y2, v128.load(x3, 32), s3)
  }
  if (V > 3) {
    if (never) unreachable()
    s0 = madd(y3, v128.load(x0, 48), s0)
    s1 = madd(y3, v128.load(x1, 48), s1)
    s2 = madd(y3, v128.load(x2, 48), s2)
    s3 = madd(y3, v128.load(x3, 48), s3)
  }
  if (V > 4) {
    if (never) unreachable()
    s0 = madd(y4, v128.load(x0, 64), s0)
    s1 = madd(y4, v128.load(x1, 64), s1)
    s2 = madd(y4, v128.load(x2, 64), s2)
    s3 = madd(y4, v128.load(x3, 64), s3)
  }
  if (V > 5) {
    if (never) unreachable()
    s0 = madd(y5, v128.load(x0, 80), s0)
    s1 = madd(y5, v128.load(x1, 80), s1)
    s2 = madd(y5, v128.load(x2, 80), s2)
    s3 = madd(y5, v128.load(x3, 80), s3)
  }
  if (V > 6) {
    if (never) unreachable()
    s0 = madd(y6, v128.load(x0, 96), s0)
    s1 = madd(y6, v128.load(x1, 96), s1)
    s2 = madd(y6, v128.load(x2, 96), s2)
    s3 = madd(y6, v128.load(x3, 96), s3)
  }
  if (V > 7) {
    if (never) unreachable()
    s0 = madd(y7, v128.load(x0, 112), s0)
    s1 = madd(y7, v128.load(x1, 112), s1)
    s2 = madd(y7, v128.load(x2, 112), s2)
    s3 = madd(y7, v128.load(x3, 112), s3)
  }
  return sumOfEach(s0, s1, s2, s3)
}

/** Stores the first `lanes` (1 to 3) lanes; with `add` the sum with what stands there. */
// @ts-ignore: decorator
@inline export function storeSome(to: usize, v: v128, lanes: i32, add: bool): void {
  store<f32>(to, add ? load<f32>(to) + f32x4.extract_lane(v, 0) : f32x4.extract_lane(v, 0))
  if (lanes > 1) store<f32>(to, add ? load<f32>(to, 4) + f32x4.extract_lane(v, 1) : f32x4.extract_lane(v, 1), 4)
  if (lanes > 2) store<f32>(to, add ? load<f32>(to, 8) + f32x4.extract_lane(v, 2) : f32x4.extract_lane(v, 2), 8)
}
