// Loops that reach the limits of one core. A measured rate means something only as a share of these, taken in the same run.
import { madd, sum } from '../lib/vector'

/**
 * Multiply-adds in 13 independent chains: latency 4 and two per cycle ask for 8, a multiply and an add (3 + 3) for 12.
 * `constants` points at two vectors (8 floats), factor then addend: loaded, since V8 rebuilds literal splats in the loop.
 * With 0 < factor < 1 and a normal addend the chains converge and never leave the normal numbers.
 * One iteration is 104 flops (13 chains x 4 lanes x 2). Returns the sum over everything, so that nothing is dead.
 */
export function peakMadd(iterations: i32, constants: usize): f32 {
  return chains(iterations, constants, true)
}

/** The same with a multiply and an add of their own, also where a fused instruction exists: the limit of base SIMD. */
export function peakMulAdd(iterations: i32, constants: usize): f32 {
  return chains(iterations, constants, false)
}

// @ts-ignore: decorator
@inline function step(x: v128, factor: v128, addend: v128, fused: bool): v128 {
  return fused ? madd(x, factor, addend) : f32x4.add(f32x4.mul(x, factor), addend)
}

// @ts-ignore: decorator
@inline function chains(iterations: i32, constants: usize, fused: bool): f32 {
  const factor = v128.load(constants)
  const addend = v128.load(constants, 16)
  let x0 = addend
  let x1 = f32x4.add(x0, addend)
  let x2 = f32x4.add(x1, addend)
  let x3 = f32x4.add(x2, addend)
  let x4 = f32x4.add(x3, addend)
  let x5 = f32x4.add(x4, addend)
  let x6 = f32x4.add(x5, addend)
  let x7 = f32x4.add(x6, addend)
  let x8 = f32x4.add(x7, addend)
  let x9 = f32x4.add(x8, addend)
  let x10 = f32x4.add(x9, addend)
  let x11 = f32x4.add(x10, addend)
  let x12 = f32x4.add(x11, addend)
  for (let i = 0; i < iterations; i++) {
    x0 = step(x0, factor, addend, fused)
    x1 = step(x1, factor, addend, fused)
    x2 = step(x2, factor, addend, fused)
    x3 = step(x3, factor, addend, fused)
    x4 = step(x4, factor, addend, fused)
    x5 = step(x5, factor, addend, fused)
    x6 = step(x6, factor, addend, fused)
    x7 = step(x7, factor, addend, fused)
    x8 = step(x8, factor, addend, fused)
    x9 = step(x9, factor, addend, fused)
    x10 = step(x10, factor, addend, fused)
    x11 = step(x11, factor, addend, fused)
    x12 = step(x12, factor, addend, fused)
  }
  const low = f32x4.add(f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3)), f32x4.add(f32x4.add(x4, x5), f32x4.add(x6, x7)))
  return sum(f32x4.add(low, f32x4.add(f32x4.add(f32x4.add(x8, x9), f32x4.add(x10, x11)), x12)))
}
