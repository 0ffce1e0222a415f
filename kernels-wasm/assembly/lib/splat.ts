/** One of four values, in every lane. */
// @ts-ignore: decorator
@inline export function splat(values: v128, lane: i32): v128 {
  if (lane == 0) return v128.shuffle<f32>(values, values, 0, 0, 0, 0)
  if (lane == 1) return v128.shuffle<f32>(values, values, 1, 1, 1, 1)
  if (lane == 2) return v128.shuffle<f32>(values, values, 2, 2, 2, 2)
  return v128.shuffle<f32>(values, values, 3, 3, 3, 3)
}
