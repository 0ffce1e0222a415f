// Excluded pairs of a chunk [key][query]: 8 queries (two vectors) at a time.
import { STRIDE } from './tiles'

// @ts-ignore: decorator
@inline function keep(address: usize, kept: v128, excluded: v128): void {
  v128.store(address, v128.bitselect(v128.load(address), excluded, kept))
}

/**
 * What stands for pairs whose bit is not set becomes `value`. `bits`: for each key 64 bits, one for each query; `lane`: the
 * first of the 8 queries.
 */
export function excludeByBits(scores: usize, keys: i32, bits: usize, lane: i32, value: f32 = -Infinity): void {
  const excluded = f32x4.splat(value)
  const low = i32x4(1, 2, 4, 8)
  const high = i32x4(16, 32, 64, 128)
  bits += <usize>lane >> 3
  for (; keys > 0; keys--, scores += STRIDE, bits += 8) {
    const byte = i32x4.splat(<i32>load<u8>(bits))
    keep(scores, i32x4.eq(v128.and(byte, low), low), excluded)
    keep(scores + 16, i32x4.eq(v128.and(byte, high), high), excluded)
  }
}

/** As `excludeByBits`, for keys outside low <= key < high. `low` and `high` point at the entries of the 8 queries. */
export function excludeByRange(scores: usize, keys: i32, firstKey: i32, low: usize, high: usize, value: f32 = -Infinity): void {
  const excluded = f32x4.splat(value)
  const a = v128.load(low)
  const b = v128.load(low, 16)
  const c = v128.load(high)
  const d = v128.load(high, 16)
  for (let key = firstKey; key < firstKey + keys; key++, scores += STRIDE) {
    const k = i32x4.splat(key)
    keep(scores, v128.and(i32x4.le_s(a, k), i32x4.gt_s(c, k)), excluded)
    keep(scores + 16, v128.and(i32x4.le_s(b, k), i32x4.gt_s(d, k)), excluded)
  }
}

/** Zeros in the rows from `from` to `to` - 1. */
export function clearRows(scores: usize, from: i32, to: i32): void {
  const zero = f32x4.splat(0)
  scores += <usize>from * STRIDE
  for (; from < to; from++, scores += STRIDE) {
    v128.store(scores, zero)
    v128.store(scores, zero, 16)
  }
}
