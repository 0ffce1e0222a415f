// Two rows of N:M weights at once times one panel of X. What both rows keep is loaded once for both, so that loads (two per
// cycle) bind less than multiply-adds (two per cycle): one row alone needs a load for each multiply-add, and more for its
// values. At 2:4 two rows of random patterns share half of their entries, rows of one nmg group all of them.
//
// The stream of a (window of rows, K block) holds, for each pair of rows, sorted by what they share:
//   u16 row, u16 row: in the window (an odd last row stands twice: its second result is stored first, and lost)
//   u16 shared, u16 own: entries of both, and entries that each has for itself (as many in both: every row has the same number)
//   fours of shared entries: 4 u16 offsets, 4 x 2 f32 values (40 bytes)
//   twos of own entries: 2 x 2 u16 offsets, 2 x 2 f32 values (24 bytes)
// where offset = column inside the K block * 96: panels of X of every width have rows of six vectors. What a last four or two
// has too much is never read as an entry.
import { splat } from '../lib/splat'
import { madd } from '../lib/vector'
import { pairs1, pairs2, pairs3 } from './narrow'

// For each pair of the stream p..end: target row = (first ? 0 : source row) + sum of value * X row, for both rows. V is a
// constant at each call, so that what is beyond it vanishes.

/** As described above, V = 4, 5 or 6. */
// @ts-ignore: decorator
@inline function widePairs(V: i32, p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  while (p < end) {
    const rows = load<u32>(p)
    const counts = load<u32>(p, 4)
    const low = <usize>(rows & 0xffff)
    const high = <usize>(rows >> 16)
    p += 8
    let a0 = f32x4.splat(0)
    let a1 = f32x4.splat(0)
    let a2 = f32x4.splat(0)
    let a3 = f32x4.splat(0)
    let a4 = f32x4.splat(0)
    let a5 = f32x4.splat(0)
    let b0 = f32x4.splat(0)
    let b1 = f32x4.splat(0)
    let b2 = f32x4.splat(0)
    let b3 = f32x4.splat(0)
    let b4 = f32x4.splat(0)
    let b5 = f32x4.splat(0)
    if (!first) {
      const from = source + low * sourceStride
      const other = source + high * sourceStride
      a0 = v128.load(from, 0)
      b0 = v128.load(other, 0)
      a1 = v128.load(from, 16)
      b1 = v128.load(other, 16)
      a2 = v128.load(from, 32)
      b2 = v128.load(other, 32)
      a3 = v128.load(from, 48)
      b3 = v128.load(other, 48)
      if (V > 4) a4 = v128.load(from, 64)
      if (V > 4) b4 = v128.load(other, 64)
      if (V > 5) a5 = v128.load(from, 80)
      if (V > 5) b5 = v128.load(other, 80)
    }
    let v: v128
    let w: v128
    let at: usize
    // Where the last four begins if it has three, two or one.
    let ends = p + <usize>(counts & 0xffff) * 10
    const three = ends - 30
    const two = ends - 20
    const one = ends - 10
    while (p < ends) {
      const four = p
      const offsets = load<u64>(p)
      p += 40
      v = v128.load32_splat(four, 8)
      w = v128.load32_splat(four, 12)
      at = x + <usize>(<u32>offsets & 0xffff)
      {
        const y = v128.load(at, 0)
        a0 = madd(v, y, a0)
        b0 = madd(w, y, b0)
      }
      {
        const y = v128.load(at, 16)
        a1 = madd(v, y, a1)
        b1 = madd(w, y, b1)
      }
      {
        const y = v128.load(at, 32)
        a2 = madd(v, y, a2)
        b2 = madd(w, y, b2)
      }
      {
        const y = v128.load(at, 48)
        a3 = madd(v, y, a3)
        b3 = madd(w, y, b3)
      }
      if (V > 4) {
        const y = v128.load(at, 64)
        a4 = madd(v, y, a4)
        b4 = madd(w, y, b4)
      }
      if (V > 5) {
        const y = v128.load(at, 80)
        a5 = madd(v, y, a5)
        b5 = madd(w, y, b5)
      }
      if (four == one) break
      v = v128.load32_splat(four, 16)
      w = v128.load32_splat(four, 20)
      at = x + <usize>(<u32>offsets >> 16)
      {
        const y = v128.load(at, 0)
        a0 = madd(v, y, a0)
        b0 = madd(w, y, b0)
      }
      {
        const y = v128.load(at, 16)
        a1 = madd(v, y, a1)
        b1 = madd(w, y, b1)
      }
      {
        const y = v128.load(at, 32)
        a2 = madd(v, y, a2)
        b2 = madd(w, y, b2)
      }
      {
        const y = v128.load(at, 48)
        a3 = madd(v, y, a3)
        b3 = madd(w, y, b3)
      }
      if (V > 4) {
        const y = v128.load(at, 64)
        a4 = madd(v, y, a4)
        b4 = madd(w, y, b4)
      }
      if (V > 5) {
        const y = v128.load(at, 80)
        a5 = madd(v, y, a5)
        b5 = madd(w, y, b5)
      }
      if (four == two) break
      v = v128.load32_splat(four, 24)
      w = v128.load32_splat(four, 28)
      at = x + <usize>(<u32>(offsets >> 32) & 0xffff)
      {
        const y = v128.load(at, 0)
        a0 = madd(v, y, a0)
        b0 = madd(w, y, b0)
      }
      {
        const y = v128.load(at, 16)
        a1 = madd(v, y, a1)
        b1 = madd(w, y, b1)
      }
      {
        const y = v128.load(at, 32)
        a2 = madd(v, y, a2)
        b2 = madd(w, y, b2)
      }
      {
        const y = v128.load(at, 48)
        a3 = madd(v, y, a3)
        b3 = madd(w, y, b3)
      }
      if (V > 4) {
        const y = v128.load(at, 64)
        a4 = madd(v, y, a4)
        b4 = madd(w, y, b4)
      }
      if (V > 5) {
        const y = v128.load(at, 80)
        a5 = madd(v, y, a5)
        b5 = madd(w, y, b5)
      }
      if (four == three) break
      v = v128.load32_splat(four, 32)
      w = v128.load32_splat(four, 36)
      at = x + <usize>(offsets >> 48)
      {
        const y = v128.load(at, 0)
        a0 = madd(v, y, a0)
        b0 = madd(w, y, b0)
      }
      {
        const y = v128.load(at, 16)
        a1 = madd(v, y, a1)
        b1 = madd(w, y, b1)
      }
      {
        const y = v128.load(at, 32)
        a2 = madd(v, y, a2)
        b2 = madd(w, y, b2)
      }
      {
        const y = v128.load(at, 48)
        a3 = madd(v, y, a3)
        b3 = madd(w, y, b3)
      }
      if (V > 4) {
        const y = v128.load(at, 64)
        a4 = madd(v, y, a4)
        b4 = madd(w, y, b4)
      }
      if (V > 5) {
        const y = v128.load(at, 80)
        a5 = madd(v, y, a5)
        b5 = madd(w, y, b5)
      }
    }
    ends = p + <usize>(counts >> 16) * 12
    const last = ends - 12
    while (p < ends) {
      const pair = p
      const offsets = load<u64>(p)
      const values = v128.load(p, 8)
      p += 24
      v = splat(values, 0)
      at = x + <usize>(<u32>offsets & 0xffff)
      a0 = madd(v, v128.load(at, 0), a0)
      a1 = madd(v, v128.load(at, 16), a1)
      a2 = madd(v, v128.load(at, 32), a2)
      a3 = madd(v, v128.load(at, 48), a3)
      if (V > 4) a4 = madd(v, v128.load(at, 64), a4)
      if (V > 5) a5 = madd(v, v128.load(at, 80), a5)
      w = splat(values, 1)
      at = x + <usize>(<u32>offsets >> 16)
      b0 = madd(w, v128.load(at, 0), b0)
      b1 = madd(w, v128.load(at, 16), b1)
      b2 = madd(w, v128.load(at, 32), b2)
      b3 = madd(w, v128.load(at, 48), b3)
      if (V > 4) b4 = madd(w, v128.load(at, 64), b4)
      if (V > 5) b5 = madd(w, v128.load(at, 80), b5)
      if (pair == last) break
      v = splat(values, 2)
      at = x + <usize>(<u32>(offsets >> 32) & 0xffff)
      a0 = madd(v, v128.load(at, 0), a0)
      a1 = madd(v, v128.load(at, 16), a1)
      a2 = madd(v, v128.load(at, 32), a2)
      a3 = madd(v, v128.load(at, 48), a3)
      if (V > 4) a4 = madd(v, v128.load(at, 64), a4)
      if (V > 5) a5 = madd(v, v128.load(at, 80), a5)
      w = splat(values, 3)
      at = x + <usize>(offsets >> 48)
      b0 = madd(w, v128.load(at, 0), b0)
      b1 = madd(w, v128.load(at, 16), b1)
      b2 = madd(w, v128.load(at, 32), b2)
      b3 = madd(w, v128.load(at, 48), b3)
      if (V > 4) b4 = madd(w, v128.load(at, 64), b4)
      if (V > 5) b5 = madd(w, v128.load(at, 80), b5)
    }
    const under = target + high * targetStride
    v128.store(under, b0, 0)
    v128.store(under, b1, 16)
    v128.store(under, b2, 32)
    v128.store(under, b3, 48)
    if (V > 4) v128.store(under, b4, 64)
    if (V > 5) v128.store(under, b5, 80)
    const to = target + low * targetStride
    v128.store(to, a0, 0)
    v128.store(to, a1, 16)
    v128.store(to, a2, 32)
    v128.store(to, a3, 48)
    if (V > 4) v128.store(to, a4, 64)
    if (V > 5) v128.store(to, a5, 80)
  }
}

function pairs4(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  widePairs(4, p, end, x, source, sourceStride, target, targetStride, first)
}

function pairs5(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  widePairs(5, p, end, x, source, sourceStride, target, targetStride, first)
}

function pairs6(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  widePairs(6, p, end, x, source, sourceStride, target, targetStride, first)
}

/** The pairs of the stream p..end times a panel of `vectors` vectors (1 to 6); see above. */
export function pairsTimesPanel(vectors: i32, p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  switch (vectors) {
    case 1: return pairs1(p, end, x, source, sourceStride, target, targetStride, first)
    case 2: return pairs2(p, end, x, source, sourceStride, target, targetStride, first)
    case 3: return pairs3(p, end, x, source, sourceStride, target, targetStride, first)
    case 4: return pairs4(p, end, x, source, sourceStride, target, targetStride, first)
    case 5: return pairs5(p, end, x, source, sourceStride, target, targetStride, first)
    case 6: return pairs6(p, end, x, source, sourceStride, target, targetStride, first)
  }
}
