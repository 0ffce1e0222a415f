// Products of a chunk pair by pair, for the rare chunks of which only a part is kept and whose operands are not all finite:
// an excluded pair has the weight 0, and 0 times infinity is not 0.
import { madd } from '../lib/vector'
import { STRIDE } from './tiles'

/** Whether all of `count` rows are finite. */
export function allFinite(row: usize, stride: usize, count: i32, rowBytes: usize): bool {
  const zero = f32x4.splat(0)
  let a = zero
  let b = zero
  let c = zero
  let d = zero
  for (; count > 0; count--, row += stride) {
    let at = row
    for (const end = row + (rowBytes & ~63); at != end; at += 64) {
      a = madd(zero, v128.load(at), a)
      b = madd(zero, v128.load(at, 16), b)
      c = madd(zero, v128.load(at, 32), c)
      d = madd(zero, v128.load(at, 48), d)
    }
    for (const end = row + rowBytes; at != end; at += 16) a = madd(zero, v128.load(at), a)
  }
  // 0 times infinity is NaN, which stays and is not equal to 0.
  return v128.all_true<i32>(f32x4.eq(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), zero))
}

// @ts-ignore: decorator
@inline function addRow(weight: f32, row: usize, rowBytes: usize, to: usize): void {
  const w = f32x4.splat(weight)
  for (let i: usize = 0; i < rowBytes; i += 16) v128.store(to + i, madd(w, v128.load(row + i), v128.load(to + i)))
}

/** Row of each query += sum over keys of weights[key][query] rows[key]. */
export function addToQueriesByPairs(
  weights: usize,
  keys: i32,
  rows: usize,
  stride: usize,
  queries: usize,
  count: i32,
  rowBytes: usize,
): void {
  for (let query = 0; query < count; query++, weights += 4, queries += rowBytes) {
    for (let key: usize = 0; key < <usize>keys; key++) {
      const weight = load<f32>(weights + key * STRIDE)
      if (weight != 0) addRow(weight, rows + key * stride, rowBytes, queries)
    }
  }
}

/** Row of each key += sum over queries of weights[key][query] rows[query]. */
export function addToKeysByPairs(
  weights: usize,
  keys: i32,
  rows: usize,
  stride: usize,
  count: i32,
  gradient: usize,
  gradientStride: usize,
  rowBytes: usize,
): void {
  for (let key = 0; key < keys; key++, weights += STRIDE, gradient += gradientStride) {
    for (let query: usize = 0; query < <usize>count; query++) {
      const weight = load<f32>(weights + (query << 2))
      if (weight != 0) addRow(weight, rows + query * stride, rowBytes, gradient)
    }
  }
}

/** Rows of queries are multiplied by their factors. */
export function scaleRows(rows: usize, count: i32, rowBytes: usize, factors: usize): void {
  for (; count > 0; count--, rows += rowBytes, factors += 4) {
    const factor = v128.load32_splat(factors)
    for (let i: usize = 0; i < rowBytes; i += 16) v128.store(rows + i, f32x4.mul(factor, v128.load(rows + i)))
  }
}
