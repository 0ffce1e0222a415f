/**
 * A constant that stays out of loops: V8 rebuilds literals at every use (three instructions each), which fills the reorder
 * buffer. `zero` is a zero that no compiler knows to be one.
 */
// @ts-ignore: decorator
@inline export function hoisted(zero: v128, value: f32): v128 {
  return f32x4.add(zero, f32x4.splat(value))
}
