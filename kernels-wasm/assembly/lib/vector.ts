/** a * b + c in every lane: one fused instruction where the variant has relaxed SIMD, two roundings elsewhere. */
// @ts-ignore: decorator
@inline export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c)
}

/** Sum of the four lanes, in pairs: (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline export function sum(x: v128): f32 {
  const pairs = f32x4.add(x, i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1)
}

/** Transposes 4 x 4 floats; strides in bytes between the rows of four. */
// @ts-ignore: decorator
@inline export function transpose4(source: usize, sourceStride: usize, target: usize, targetStride: usize): void {
  const a = v128.load(source)
  const b = v128.load(source + sourceStride)
  const c = v128.load(source + 2 * sourceStride)
  const d = v128.load(source + 3 * sourceStride)
  storeTransposed(a, b, c, d, target, targetStride)
}

/** Stores the columns of four rows as rows, `stride` bytes apart. */
// @ts-ignore: decorator
@inline export function storeTransposed(a: v128, b: v128, c: v128, d: v128, target: usize, stride: usize): void {
  const ab = i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const cd = i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const ab2 = i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  const cd2 = i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  v128.store(target, i64x2.shuffle(ab, cd, 0, 2))
  v128.store(target + stride, i64x2.shuffle(ab, cd, 1, 3))
  v128.store(target + 2 * stride, i64x2.shuffle(ab2, cd2, 0, 2))
  v128.store(target + 3 * stride, i64x2.shuffle(ab2, cd2, 1, 3))
}
