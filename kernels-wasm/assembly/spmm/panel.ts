// Rows of a sparse stream times one panel of X. The stream of a (row window, K block) holds, for each row with entries there:
//   u32 header: row in its window | entries << 16
//   fours:      4 f32 values, 4 u16 offsets (24 bytes); what the last four has too much is never read as an entry
// where offset = column inside the K block * 16, so that one stream serves every panel width: a panel row of V vectors lies
// at offset * V. Rows are sorted by their number of entries: the exits of the loops are predicted then.
// Fours, because loads bind (two per cycle): one load brings four values, one more their offsets. Of the peak with all in
// L1, V = 8: 85 to 88 % by fours, 79 to 80 by pairs, 76 one by one. The exits between the four end a row at any count; they
// also keep Binaryen from nesting the four multiply-adds of a sum, which makes V8 spill (64 %).
// Beyond 11 vectors V8 spills (70 %).
import { madd } from '../lib/vector'
import { rows1, rows2, rows3, rows4, rows5, rows6 } from './narrow'
import { splat } from '../lib/splat'

/** The widest panel, in vectors. */
export const MAX_VECTORS: i32 = 11

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
    // Where the last four begins if it has three, two or one.
    const ends = p + <usize>(header >> 16) * 6
    const three = ends - 18
    const two = ends - 12
    const one = ends - 6
    while (p < ends) {
      const values = v128.load(p)
      const offsets = load<u64>(p, 16)
      const four = p
      p += 24
      const v0 = splat(values, 0)
      const x0 = x + <usize>(<u32>offsets & 0xffff) * V
      if (V > 0) s0 = madd(v0, v128.load(x0, 0), s0)
      if (V > 1) s1 = madd(v0, v128.load(x0, 16), s1)
      if (V > 2) s2 = madd(v0, v128.load(x0, 32), s2)
      if (V > 3) s3 = madd(v0, v128.load(x0, 48), s3)
      if (V > 4) s4 = madd(v0, v128.load(x0, 64), s4)
      if (V > 5) s5 = madd(v0, v128.load(x0, 80), s5)
      if (V > 6) s6 = madd(v0, v128.load(x0, 96), s6)
      if (V > 7) s7 = madd(v0, v128.load(x0, 112), s7)
      if (V > 8) s8 = madd(v0, v128.load(x0, 128), s8)
      if (V > 9) s9 = madd(v0, v128.load(x0, 144), s9)
      if (V > 10) s10 = madd(v0, v128.load(x0, 160), s10)
      if (four == one) break
      const v1 = splat(values, 1)
      const x1 = x + <usize>(<u32>offsets >> 16) * V
      if (V > 0) s0 = madd(v1, v128.load(x1, 0), s0)
      if (V > 1) s1 = madd(v1, v128.load(x1, 16), s1)
      if (V > 2) s2 = madd(v1, v128.load(x1, 32), s2)
      if (V > 3) s3 = madd(v1, v128.load(x1, 48), s3)
      if (V > 4) s4 = madd(v1, v128.load(x1, 64), s4)
      if (V > 5) s5 = madd(v1, v128.load(x1, 80), s5)
      if (V > 6) s6 = madd(v1, v128.load(x1, 96), s6)
      if (V > 7) s7 = madd(v1, v128.load(x1, 112), s7)
      if (V > 8) s8 = madd(v1, v128.load(x1, 128), s8)
      if (V > 9) s9 = madd(v1, v128.load(x1, 144), s9)
      if (V > 10) s10 = madd(v1, v128.load(x1, 160), s10)
      if (four == two) break
      const v2 = splat(values, 2)
      const x2 = x + <usize>(<u32>(offsets >> 32) & 0xffff) * V
      if (V > 0) s0 = madd(v2, v128.load(x2, 0), s0)
      if (V > 1) s1 = madd(v2, v128.load(x2, 16), s1)
      if (V > 2) s2 = madd(v2, v128.load(x2, 32), s2)
      if (V > 3) s3 = madd(v2, v128.load(x2, 48), s3)
      if (V > 4) s4 = madd(v2, v128.load(x2, 64), s4)
      if (V > 5) s5 = madd(v2, v128.load(x2, 80), s5)
      if (V > 6) s6 = madd(v2, v128.load(x2, 96), s6)
      if (V > 7) s7 = madd(v2, v128.load(x2, 112), s7)
      if (V > 8) s8 = madd(v2, v128.load(x2, 128), s8)
      if (V > 9) s9 = madd(v2, v128.load(x2, 144), s9)
      if (V > 10) s10 = madd(v2, v128.load(x2, 160), s10)
      if (four == three) break
      const v3 = splat(values, 3)
      const x3 = x + <usize>(<u32>(offsets >> 48)) * V
      if (V > 0) s0 = madd(v3, v128.load(x3, 0), s0)
      if (V > 1) s1 = madd(v3, v128.load(x3, 16), s1)
      if (V > 2) s2 = madd(v3, v128.load(x3, 32), s2)
      if (V > 3) s3 = madd(v3, v128.load(x3, 48), s3)
      if (V > 4) s4 = madd(v3, v128.load(x3, 64), s4)
      if (V > 5) s5 = madd(v3, v128.load(x3, 80), s5)
      if (V > 6) s6 = madd(v3, v128.load(x3, 96), s6)
      if (V > 7) s7 = madd(v3, v128.load(x3, 112), s7)
      if (V > 8) s8 = madd(v3, v128.load(x3, 128), s8)
      if (V > 9) s9 = madd(v3, v128.load(x3, 144), s9)
      if (V > 10) s10 = madd(v3, v128.load(x3, 160), s10)
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
