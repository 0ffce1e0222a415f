// Packing of activations for the i8 GEMM: quantised to 0..127 (lib/quantise.ts), in panels of `width` columns and one that
// is narrower: [unit of k][columns of the panel][unit]. A unit is what one dot product sums in a lane: four bytes with
// relaxed SIMD, two i16 without; both are four bytes. k beyond the end is zero, where the weights are, too.
import { parameterBytes, quantise1, quantise4 } from '../lib/quantise'

/** Values of k in a unit. */
export const UNIT: i32 = ASC_FEATURE_RELAXED_SIMD ? 4 : 2

/**
 * @param parameters from columnScales
 * @param begin, end panels, of ceil(n / width)
 */
export function gemmI8PackX(
  target: usize,
  x: usize,
  rowStride: usize,
  columnStride: usize,
  k: i32,
  n: i32,
  width: i32,
  parameters: usize,
  begin: i32,
  end: i32,
): void {
  const units = (k + UNIT - 1) / UNIT
  for (let panel = begin; panel < end; panel++) {
    const first = panel * width
    const columns = min(width, n - first)
    const from = x + <usize>first * columnStride
    const to = target + <usize>first * (<usize>units << 2)
    const own = parameters + (<usize>first << 2)
    let done = 0
    if (columnStride == 4) {
      for (; done + 4 <= columns; done += 4) fourColumns(to, done, columns, from, rowStride, k, own, parameterBytes(n))
    }
    for (; done < columns; done++) oneColumn(to, done, columns, from + <usize>done * columnStride, rowStride, k, own, parameterBytes(n))
  }
}

/** Columns that are neighbours: their units are the lanes of one vector. */
function fourColumns(to: usize, first: i32, columns: i32, from: usize, rowStride: usize, k: i32, parameters: usize, stride: usize): void {
  const shift = <usize>first << 2
  const inverse = v128.load(parameters + shift + stride)
  const zero = v128.load(parameters + shift + 2 * stride)
  let p = from + shift
  let t = to + shift
  const step = <usize>columns << 2
  let left = k
  for (; left >= UNIT; left -= UNIT, t += step) {
    const a = quantise4(v128.load(p), inverse, zero)
    const b = quantise4(v128.load(p + rowStride), inverse, zero)
    p += 2 * rowStride
    if (ASC_FEATURE_RELAXED_SIMD) {
      const c = quantise4(v128.load(p), inverse, zero)
      const d = quantise4(v128.load(p + rowStride), inverse, zero)
      p += 2 * rowStride
      v128.store(t, v128.or(v128.or(a, i32x4.shl(b, 8)), v128.or(i32x4.shl(c, 16), i32x4.shl(d, 24))))
    } else v128.store(t, v128.or(a, i32x4.shl(b, 16)))
  }
  if (left > 0) {
    let unit = i32x4.splat(0)
    for (let i = 0; i < left; i++, p += rowStride) unit = v128.or(unit, i32x4.shl(quantise4(v128.load(p), inverse, zero), i << 3))
    v128.store(t, unit)
  }
}

/** A column by itself, of any stride; one that is contiguous, sixteen k at once. */
function oneColumn(to: usize, at: i32, columns: i32, p: usize, rowStride: usize, k: i32, parameters: usize, stride: usize): void {
  const own = parameters + (<usize>at << 2)
  const inverse = load<f32>(own + stride)
  const zero = load<i32>(own + 2 * stride)
  let t = to + (<usize>at << 2)
  const step = <usize>columns << 2
  let left = k
  if (rowStride == 4) {
    const inverses = f32x4.splat(inverse)
    const zeros = i32x4.splat(zero)
    for (; left >= 16; left -= 16, p += 64) {
      const low = i16x8.narrow_i32x4_s(quantise4(v128.load(p), inverses, zeros), quantise4(v128.load(p, 16), inverses, zeros))
      const high = i16x8.narrow_i32x4_s(quantise4(v128.load(p, 32), inverses, zeros), quantise4(v128.load(p, 48), inverses, zeros))
      if (ASC_FEATURE_RELAXED_SIMD) {
        t = scatter(t, step, i8x16.narrow_i16x8_u(low, high))
      } else t = scatter(scatter(t, step, low), step, high)
    }
  }
  while (left > 0) {
    let unit = 0
    const count = min(UNIT, left)
    for (let i = 0; i < count; i++, p += rowStride) unit |= quantise1(load<f32>(p), inverse, zero) << (i * (32 / UNIT))
    store<i32>(t, unit)
    t += step
    left -= count
  }
}

/** Four units, `step` bytes apart; returns where the next one goes. */
// @ts-ignore: decorator
@inline function scatter(t: usize, step: usize, units: v128): usize {
  v128.store32_lane(t, units, 0)
  v128.store32_lane(t + step, units, 1)
  v128.store32_lane(t + 2 * step, units, 2)
  v128.store32_lane(t + 3 * step, units, 3)
  return t + 4 * step
}
