// Softmax over the entries of each row of a csr, and its backward pass. Rows of any length; entries are contiguous.
import { C2, C3, C4, C5, exp, LEAST, LOG2E, MINUS_LN2, ONE, SHIFT } from '../attention/exponential'
import { madd, sum } from '../lib/vector'

/** Entries beyond the end of a row, in the last vector, read as this. */
// @ts-ignore: decorator
@inline function loadRow(p: usize, count: i32, beyond: f32): v128 {
  if (count >= 4) return v128.load(p)
  let x = f32x4.replace_lane(f32x4.splat(beyond), 0, load<f32>(p))
  if (count > 1) x = f32x4.replace_lane(x, 1, load<f32>(p, 4))
  if (count > 2) x = f32x4.replace_lane(x, 2, load<f32>(p, 8))
  return x
}

// @ts-ignore: decorator
@inline function storeRow(p: usize, x: v128, count: i32): void {
  if (count >= 4) {
    v128.store(p, x)
    return
  }
  v128.store32_lane(p, x, 0)
  if (count > 1) v128.store32_lane(p, x, 1, 4)
  if (count > 2) v128.store32_lane(p, x, 2, 8)
}

// @ts-ignore: decorator
@inline function largest(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  )
}

/**
 * out = exp(scale * score - most) / sum; zeros for a row whose scores are all -infinity. out may be scores.
 *
 * @param rowOffsets u32, as in the layout
 * @param scaleBits  of an f32: arguments of kernels are whole numbers
 * @param begin, end rows
 */
export function softmaxRows(rowOffsets: usize, scores: usize, out: usize, scaleBits: i32, begin: i32, end: i32): void {
  const zero = f32x4.splat(<f32>begin * 0)
  const log2e = LOG2E(zero)
  const shift = SHIFT(zero)
  const minusLn2 = MINUS_LN2(zero)
  const least = LEAST(zero)
  const one = ONE(zero)
  const c2 = C2(zero)
  const c3 = C3(zero)
  const c4 = C4(zero)
  const c5 = C5(zero)
  const factor = f32x4.splat(reinterpret<f32>(scaleBits))
  const lowest: f32 = -Infinity
  for (let row = begin; row < end; row++) {
    const at = rowOffsets + (<usize>row << 2)
    const first = <usize>load<u32>(at) << 2
    const count = <i32>(load<u32>(at, 4) - load<u32>(at))
    const from = scores + first
    const to = out + first
    let most = f32x4.splat(lowest)
    // Products before maxima: where a scale below 0 turns -infinity round, or 0 makes NaN of it, that has to show. What is
    // beyond the end is replaced after the product.
    let p: usize = 0
    for (let left = count; left > 0; left -= 4, p += 16) {
      most = f32x4.max(most, scaled(from + p, left, factor, lowest))
    }
    const top = largest(most)
    if (top == lowest) {
      memory.fill(to, 0, <usize>count << 2)
      continue
    }
    const offset = f32x4.splat(top)
    let total = f32x4.splat(0)
    p = 0
    for (let left = count; left > 0; left -= 4, p += 16) {
      const x = f32x4.sub(scaled(from + p, left, factor, lowest), offset)
      const e = exp(x, log2e, shift, minusLn2, least, one, c2, c3, c4, c5)
      total = f32x4.add(total, e)
      storeRow(to + p, e, left)
    }
    const inverse = f32x4.splat(1 / sum(total))
    p = 0
    for (let left = count; left > 0; left -= 4, p += 16) storeRow(to + p, f32x4.mul(loadRow(to + p, left, 0), inverse), left)
  }
}

// @ts-ignore: decorator
@inline function scaled(p: usize, left: i32, factor: v128, beyond: f32): v128 {
  const x = f32x4.mul(loadRow(p, left, 0), factor)
  if (left >= 4) return x
  let y = f32x4.replace_lane(x, 3, beyond)
  if (left < 3) y = f32x4.replace_lane(y, 2, beyond)
  if (left < 2) y = f32x4.replace_lane(y, 1, beyond)
  return y
}

/** out = scale * weight * (gradient - sum of weight * gradient); out may be either. [begin, end): rows. */
export function softmaxBackwardRows(
  rowOffsets: usize, weights: usize, gradients: usize, out: usize, scaleBits: i32, begin: i32, end: i32,
): void {
  const factor = f32x4.splat(reinterpret<f32>(scaleBits))
  for (let row = begin; row < end; row++) {
    const at = rowOffsets + (<usize>row << 2)
    const first = <usize>load<u32>(at) << 2
    const count = <i32>(load<u32>(at, 4) - load<u32>(at))
    const w = weights + first
    const g = gradients + first
    const to = out + first
    let total = f32x4.splat(0)
    let p: usize = 0
    for (let left = count; left > 0; left -= 4, p += 16) total = madd(loadRow(w + p, left, 0), loadRow(g + p, left, 0), total)
    const mean = f32x4.splat(sum(total))
    p = 0
    for (let left = count; left > 0; left -= 4, p += 16) {
      const slope = f32x4.mul(f32x4.mul(loadRow(w + p, left, 0), factor), f32x4.sub(loadRow(g + p, left, 0), mean))
      storeRow(to + p, slope, left)
    }
  }
}
