// Rows of a sparse stream times one panel of X. The stream of a (row window, K block) holds, for each row with entries there:
//   u32 header: row in its window | entries << 16
//   pairs:      f32 value, f32 value, u16 offset, u16 offset            (12 bytes)
//   the odd one: f32 value, u16 offset                                  (6 bytes)
// where offset = column inside the K block * 16, so that one stream serves every panel width: a panel row of V vectors lies
// at offset * V. Rows are sorted by their number of entries: the exits of the loops are predicted then.
// Pairs, because two loads per cycle bind (Zen 4): one 8-byte load brings two values. 84 % of the peak with all in L1,
// 79 % one by one, 64 % by fours (V8 spills). Beyond 11 vectors V8 spills with pairs, too (69 %).
import { madd } from '../lib/vector'
import { rows1, rows2, rows3, rows4, rows5 } from './narrow'

/** The widest panel, in vectors. */
export const MAX_VECTORS: i32 = 11

// @ts-ignore: decorator
@inline function splat(pair: v128, lane: i32): v128 {
  return lane == 0 ? v128.shuffle<f32>(pair, pair, 0, 0, 0, 0) : v128.shuffle<f32>(pair, pair, 1, 1, 1, 1)
}

/**
 * For each row of the stream p..end: target row = (first ? 0 : source row) + sum of value * X row. V is a constant at each
 * call, so that the accumulators beyond it vanish.
 */
// @ts-ignore: decorator
@inline function rows(V: i32, p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  while (p < end) {
    const header = load<u32>(p)
    const row = <usize>(header & 0xffff)
    p += 4
    let s0 = f32x4.splat(0)
    let s1 = f32x4.splat(0)
    let s2 = f32x4.splat(0)
    let s3 = f32x4.splat(0)
    let s4 = f32x4.splat(0)
    let s5 = f32x4.splat(0)
    let s6 = f32x4.splat(0)
    let s7 = f32x4.splat(0)
    let s8 = f32x4.splat(0)
    let s9 = f32x4.splat(0)
    let s10 = f32x4.splat(0)
    if (!first) {
      const from = source + row * sourceStride
      if (V > 0) s0 = v128.load(from, 0)
      if (V > 1) s1 = v128.load(from, 16)
      if (V > 2) s2 = v128.load(from, 32)
      if (V > 3) s3 = v128.load(from, 48)
      if (V > 4) s4 = v128.load(from, 64)
      if (V > 5) s5 = v128.load(from, 80)
      if (V > 6) s6 = v128.load(from, 96)
      if (V > 7) s7 = v128.load(from, 112)
      if (V > 8) s8 = v128.load(from, 128)
      if (V > 9) s9 = v128.load(from, 144)
      if (V > 10) s10 = v128.load(from, 160)
    }
    const count = header >> 16
    const pairsEnd = p + <usize>(count >> 1) * 12
    while (p != pairsEnd) {
      const values = v128.load64_zero(p)
      const offsets = load<u32>(p, 8)
      const v = splat(values, 0)
      const a = x + <usize>(offsets & 0xffff) * V
      if (V > 0) s0 = madd(v, v128.load(a, 0), s0)
      if (V > 1) s1 = madd(v, v128.load(a, 16), s1)
      if (V > 2) s2 = madd(v, v128.load(a, 32), s2)
      if (V > 3) s3 = madd(v, v128.load(a, 48), s3)
      if (V > 4) s4 = madd(v, v128.load(a, 64), s4)
      if (V > 5) s5 = madd(v, v128.load(a, 80), s5)
      if (V > 6) s6 = madd(v, v128.load(a, 96), s6)
      if (V > 7) s7 = madd(v, v128.load(a, 112), s7)
      if (V > 8) s8 = madd(v, v128.load(a, 128), s8)
      if (V > 9) s9 = madd(v, v128.load(a, 144), s9)
      if (V > 10) s10 = madd(v, v128.load(a, 160), s10)
      const w = splat(values, 1)
      const b = x + <usize>(offsets >> 16) * V
      if (V > 0) s0 = madd(w, v128.load(b, 0), s0)
      if (V > 1) s1 = madd(w, v128.load(b, 16), s1)
      if (V > 2) s2 = madd(w, v128.load(b, 32), s2)
      if (V > 3) s3 = madd(w, v128.load(b, 48), s3)
      if (V > 4) s4 = madd(w, v128.load(b, 64), s4)
      if (V > 5) s5 = madd(w, v128.load(b, 80), s5)
      if (V > 6) s6 = madd(w, v128.load(b, 96), s6)
      if (V > 7) s7 = madd(w, v128.load(b, 112), s7)
      if (V > 8) s8 = madd(w, v128.load(b, 128), s8)
      if (V > 9) s9 = madd(w, v128.load(b, 144), s9)
      if (V > 10) s10 = madd(w, v128.load(b, 160), s10)
      p += 12
    }
    if (count & 1) {
      const v = v128.load32_splat(p)
      const a = x + <usize>load<u16>(p, 4) * V
      if (V > 0) s0 = madd(v, v128.load(a, 0), s0)
      if (V > 1) s1 = madd(v, v128.load(a, 16), s1)
      if (V > 2) s2 = madd(v, v128.load(a, 32), s2)
      if (V > 3) s3 = madd(v, v128.load(a, 48), s3)
      if (V > 4) s4 = madd(v, v128.load(a, 64), s4)
      if (V > 5) s5 = madd(v, v128.load(a, 80), s5)
      if (V > 6) s6 = madd(v, v128.load(a, 96), s6)
      if (V > 7) s7 = madd(v, v128.load(a, 112), s7)
      if (V > 8) s8 = madd(v, v128.load(a, 128), s8)
      if (V > 9) s9 = madd(v, v128.load(a, 144), s9)
      if (V > 10) s10 = madd(v, v128.load(a, 160), s10)
      p += 6
    }
    const to = target + row * targetStride
    if (V > 0) v128.store(to, s0, 0)
    if (V > 1) v128.store(to, s1, 16)
    if (V > 2) v128.store(to, s2, 32)
    if (V > 3) v128.store(to, s3, 48)
    if (V > 4) v128.store(to, s4, 64)
    if (V > 5) v128.store(to, s5, 80)
    if (V > 6) v128.store(to, s6, 96)
    if (V > 7) v128.store(to, s7, 112)
    if (V > 8) v128.store(to, s8, 128)
    if (V > 9) v128.store(to, s9, 144)
    if (V > 10) v128.store(to, s10, 160)
  }
}

function rows6(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  rows(6, p, end, x, source, sourceStride, target, targetStride, first)
}
function rows7(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  rows(7, p, end, x, source, sourceStride, target, targetStride, first)
}
function rows8(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  rows(8, p, end, x, source, sourceStride, target, targetStride, first)
}
function rows9(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  rows(9, p, end, x, source, sourceStride, target, targetStride, first)
}
function rows10(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  rows(10, p, end, x, source, sourceStride, target, targetStride, first)
}
function rows11(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  rows(11, p, end, x, source, sourceStride, target, targetStride, first)
}

/** Rows of the stream p..end times a panel of `vectors` vectors (1 to MAX_VECTORS); see above. */
export function rowsTimesPanel(vectors: i32, p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  switch (vectors) {
    case 1: return rows1(p, end, x, source, sourceStride, target, targetStride, first)
    case 2: return rows2(p, end, x, source, sourceStride, target, targetStride, first)
    case 3: return rows3(p, end, x, source, sourceStride, target, targetStride, first)
    case 4: return rows4(p, end, x, source, sourceStride, target, targetStride, first)
    case 5: return rows5(p, end, x, source, sourceStride, target, targetStride, first)
    case 6: return rows6(p, end, x, source, sourceStride, target, targetStride, first)
    case 7: return rows7(p, end, x, source, sourceStride, target, targetStride, first)
    case 8: return rows8(p, end, x, source, sourceStride, target, targetStride, first)
    case 9: return rows9(p, end, x, source, sourceStride, target, targetStride, first)
    case 10: return rows10(p, end, x, source, sourceStride, target, targetStride, first)
    case 11: return rows11(p, end, x, source, sourceStride, target, targetStride, first)
  }
}
