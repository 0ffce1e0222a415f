// One row of N:M weights at a time times one panel of X: the best where two rows share little (see pairs.ts). Every row has as
// many entries in a K block, so there is nothing to say but values and offsets: fours of 4 f32 values and 4 u16 offsets
// (24 bytes), where offset = column inside the K block * 128: panels of X of every width have rows of eight vectors. What a
// last four has too much is never read as an entry.
// Fours, because loads bind (two per cycle). The exits between the four keep Binaryen from nesting the multiply-adds of a sum,
// which makes V8 spill.
import { splat } from '../lib/splat'
import { madd } from '../lib/vector'

/**
 * Target row = (first ? 0 : source row) + sum of value * X row for `rows` rows of `count` entries, V from 1 to 8 vectors: a
 * constant at each call, so that what is beyond it vanishes. Up to six vectors have two sums each, so that enough
 * multiply-adds are in flight: (even entries + odd ones) + what was there.
 */
// @ts-ignore: decorator
@inline function rows(V: i32, p: usize, count: i32, rows: i32, x: usize, source: usize, target: usize, targetStride: usize, first: bool): void {
  for (; rows > 0; rows--, source += V << 4, target += targetStride) {
    let a0 = f32x4.splat(0)
    let a1 = f32x4.splat(0)
    let a2 = f32x4.splat(0)
    let a3 = f32x4.splat(0)
    let a4 = f32x4.splat(0)
    let a5 = f32x4.splat(0)
    let a6 = f32x4.splat(0)
    let a7 = f32x4.splat(0)
    let b0 = f32x4.splat(0)
    let b1 = f32x4.splat(0)
    let b2 = f32x4.splat(0)
    let b3 = f32x4.splat(0)
    let b4 = f32x4.splat(0)
    let b5 = f32x4.splat(0)
    if (V > 6 && !first) {
      a0 = v128.load(source, 0)
      a1 = v128.load(source, 16)
      a2 = v128.load(source, 32)
      a3 = v128.load(source, 48)
      a4 = v128.load(source, 64)
      a5 = v128.load(source, 80)
      a6 = v128.load(source, 96)
      if (V > 7) a7 = v128.load(source, 112)
    }
    // Where the last four begins if it has three, two or one.
    const ends = p + <usize>count * 6
    const three = ends - 18
    const two = ends - 12
    const one = ends - 6
    while (p < ends) {
      const values = v128.load(p)
      const offsets = load<u64>(p, 16)
      const four = p
      p += 24
      const v0 = splat(values, 0)
      const x0 = x + <usize>(<u32>offsets & 0xffff)
      a0 = madd(v0, v128.load(x0, 0), a0)
      if (V > 1) a1 = madd(v0, v128.load(x0, 16), a1)
      if (V > 2) a2 = madd(v0, v128.load(x0, 32), a2)
      if (V > 3) a3 = madd(v0, v128.load(x0, 48), a3)
      if (V > 4) a4 = madd(v0, v128.load(x0, 64), a4)
      if (V > 5) a5 = madd(v0, v128.load(x0, 80), a5)
      if (V > 6) a6 = madd(v0, v128.load(x0, 96), a6)
      if (V > 7) a7 = madd(v0, v128.load(x0, 112), a7)
      if (four == one) break
      const v1 = splat(values, 1)
      const x1 = x + <usize>(<u32>offsets >> 16)
      {
        const y = v128.load(x1, 0)
        if (V > 6) a0 = madd(v1, y, a0)
        else b0 = madd(v1, y, b0)
      }
      if (V > 1) {
        const y = v128.load(x1, 16)
        if (V > 6) a1 = madd(v1, y, a1)
        else b1 = madd(v1, y, b1)
      }
      if (V > 2) {
        const y = v128.load(x1, 32)
        if (V > 6) a2 = madd(v1, y, a2)
        else b2 = madd(v1, y, b2)
      }
      if (V > 3) {
        const y = v128.load(x1, 48)
        if (V > 6) a3 = madd(v1, y, a3)
        else b3 = madd(v1, y, b3)
      }
      if (V > 4) {
        const y = v128.load(x1, 64)
        if (V > 6) a4 = madd(v1, y, a4)
        else b4 = madd(v1, y, b4)
      }
      if (V > 5) {
        const y = v128.load(x1, 80)
        if (V > 6) a5 = madd(v1, y, a5)
        else b5 = madd(v1, y, b5)
      }
      if (V > 6) a6 = madd(v1, v128.load(x1, 96), a6)
      if (V > 7) a7 = madd(v1, v128.load(x1, 112), a7)
      if (four == two) break
      const v2 = splat(values, 2)
      const x2 = x + <usize>(<u32>(offsets >> 32) & 0xffff)
      a0 = madd(v2, v128.load(x2, 0), a0)
      if (V > 1) a1 = madd(v2, v128.load(x2, 16), a1)
      if (V > 2) a2 = madd(v2, v128.load(x2, 32), a2)
      if (V > 3) a3 = madd(v2, v128.load(x2, 48), a3)
      if (V > 4) a4 = madd(v2, v128.load(x2, 64), a4)
      if (V > 5) a5 = madd(v2, v128.load(x2, 80), a5)
      if (V > 6) a6 = madd(v2, v128.load(x2, 96), a6)
      if (V > 7) a7 = madd(v2, v128.load(x2, 112), a7)
      if (four == three) break
      const v3 = splat(values, 3)
      const x3 = x + <usize>(offsets >> 48)
      {
        const y = v128.load(x3, 0)
        if (V > 6) a0 = madd(v3, y, a0)
        else b0 = madd(v3, y, b0)
      }
      if (V > 1) {
        const y = v128.load(x3, 16)
        if (V > 6) a1 = madd(v3, y, a1)
        else b1 = madd(v3, y, b1)
      }
      if (V > 2) {
        const y = v128.load(x3, 32)
        if (V > 6) a2 = madd(v3, y, a2)
        else b2 = madd(v3, y, b2)
      }
      if (V > 3) {
        const y = v128.load(x3, 48)
        if (V > 6) a3 = madd(v3, y, a3)
        else b3 = madd(v3, y, b3)
      }
      if (V > 4) {
        const y = v128.load(x3, 64)
        if (V > 6) a4 = madd(v3, y, a4)
        else b4 = madd(v3, y, b4)
      }
      if (V > 5) {
        const y = v128.load(x3, 80)
        if (V > 6) a5 = madd(v3, y, a5)
        else b5 = madd(v3, y, b5)
      }
      if (V > 6) a6 = madd(v3, v128.load(x3, 96), a6)
      if (V > 7) a7 = madd(v3, v128.load(x3, 112), a7)
    }
    if (V < 7) {
      a0 = f32x4.add(a0, b0)
      if (V > 1) a1 = f32x4.add(a1, b1)
      if (V > 2) a2 = f32x4.add(a2, b2)
      if (V > 3) a3 = f32x4.add(a3, b3)
      if (V > 4) a4 = f32x4.add(a4, b4)
      if (V > 5) a5 = f32x4.add(a5, b5)
      if (!first) {
        a0 = f32x4.add(a0, v128.load(source, 0))
        if (V > 1) a1 = f32x4.add(a1, v128.load(source, 16))
        if (V > 2) a2 = f32x4.add(a2, v128.load(source, 32))
        if (V > 3) a3 = f32x4.add(a3, v128.load(source, 48))
        if (V > 4) a4 = f32x4.add(a4, v128.load(source, 64))
        if (V > 5) a5 = f32x4.add(a5, v128.load(source, 80))
      }
    }
    v128.store(target, a0, 0)
    if (V > 1) v128.store(target, a1, 16)
    if (V > 2) v128.store(target, a2, 32)
    if (V > 3) v128.store(target, a3, 48)
    if (V > 4) v128.store(target, a4, 64)
    if (V > 5) v128.store(target, a5, 80)
    if (V > 6) v128.store(target, a6, 96)
    if (V > 7) v128.store(target, a7, 112)
  }
}

function rows1(p: usize, count: i32, rowCount: i32, x: usize, source: usize, target: usize, targetStride: usize, first: bool): void {
  rows(1, p, count, rowCount, x, source, target, targetStride, first)
}

function rows2(p: usize, count: i32, rowCount: i32, x: usize, source: usize, target: usize, targetStride: usize, first: bool): void {
  rows(2, p, count, rowCount, x, source, target, targetStride, first)
}

function rows3(p: usize, count: i32, rowCount: i32, x: usize, source: usize, target: usize, targetStride: usize, first: bool): void {
  rows(3, p, count, rowCount, x, source, target, targetStride, first)
}

function rows4(p: usize, count: i32, rowCount: i32, x: usize, source: usize, target: usize, targetStride: usize, first: bool): void {
  rows(4, p, count, rowCount, x, source, target, targetStride, first)
}

function rows5(p: usize, count: i32, rowCount: i32, x: usize, source: usize, target: usize, targetStride: usize, first: bool): void {
  rows(5, p, count, rowCount, x, source, target, targetStride, first)
}

function rows6(p: usize, count: i32, rowCount: i32, x: usize, source: usize, target: usize, targetStride: usize, first: bool): void {
  rows(6, p, count, rowCount, x, source, target, targetStride, first)
}

function rows7(p: usize, count: i32, rowCount: i32, x: usize, source: usize, target: usize, targetStride: usize, first: bool): void {
  rows(7, p, count, rowCount, x, source, target, targetStride, first)
}

function rows8(p: usize, count: i32, rowCount: i32, x: usize, source: usize, target: usize, targetStride: usize, first: bool): void {
  rows(8, p, count, rowCount, x, source, target, targetStride, first)
}

/** Rows from p on times a panel of `vectors` vectors (1 to 8); see above. Source rows have no gaps. */
export function rowsTimesPanel(vectors: i32, p: usize, count: i32, rowCount: i32, x: usize, source: usize, target: usize, targetStride: usize, first: bool): void {
  switch (vectors) {
    case 1: return rows1(p, count, rowCount, x, source, target, targetStride, first)
    case 2: return rows2(p, count, rowCount, x, source, target, targetStride, first)
    case 3: return rows3(p, count, rowCount, x, source, target, targetStride, first)
    case 4: return rows4(p, count, rowCount, x, source, target, targetStride, first)
    case 5: return rows5(p, count, rowCount, x, source, target, targetStride, first)
    case 6: return rows6(p, count, rowCount, x, source, target, targetStride, first)
    case 7: return rows7(p, count, rowCount, x, source, target, targetStride, first)
    case 8: return rows8(p, count, rowCount, x, source, target, targetStride, first)
  }
}
