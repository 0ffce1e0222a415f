// Panels of one to five vectors (N up to 20): a row's multiply-adds would wait for each other (latency 4, two per cycle), so
// each vector has several sums: four for one or two vectors, two for three to five. The stream is the one of panel.ts.
import { madd } from '../lib/vector'

/** As `rows` in panel.ts, V = 1 or 2. The order of additions is fixed: ((a + b) + (c + d)) + what was there. */
// @ts-ignore: decorator
@inline function narrowRows(V: i32, p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  while (p < end) {
    const header = load<u32>(p)
    const row = <usize>(header & 0xffff)
    p += 4
    let a0 = f32x4.splat(0)
    let b0 = f32x4.splat(0)
    let c0 = f32x4.splat(0)
    let d0 = f32x4.splat(0)
    let a1 = f32x4.splat(0)
    let b1 = f32x4.splat(0)
    let c1 = f32x4.splat(0)
    let d1 = f32x4.splat(0)
    const count = header >> 16
    const foursEnd = p + <usize>(count >> 2) * 24
    while (p != foursEnd) {
      let v = v128.load32_splat(p)
      let at = x + <usize>load<u16>(p, 8) * V
      if (V > 0) a0 = madd(v, v128.load(at, 0), a0)
      if (V > 1) a1 = madd(v, v128.load(at, 16), a1)
      v = v128.load32_splat(p, 4)
      at = x + <usize>load<u16>(p, 10) * V
      if (V > 0) b0 = madd(v, v128.load(at, 0), b0)
      if (V > 1) b1 = madd(v, v128.load(at, 16), b1)
      v = v128.load32_splat(p, 12)
      at = x + <usize>load<u16>(p, 20) * V
      if (V > 0) c0 = madd(v, v128.load(at, 0), c0)
      if (V > 1) c1 = madd(v, v128.load(at, 16), c1)
      v = v128.load32_splat(p, 16)
      at = x + <usize>load<u16>(p, 22) * V
      if (V > 0) d0 = madd(v, v128.load(at, 0), d0)
      if (V > 1) d1 = madd(v, v128.load(at, 16), d1)
      p += 24
    }
    if (count & 2) {
      let v = v128.load32_splat(p)
      let at = x + <usize>load<u16>(p, 8) * V
      if (V > 0) a0 = madd(v, v128.load(at, 0), a0)
      if (V > 1) a1 = madd(v, v128.load(at, 16), a1)
      v = v128.load32_splat(p, 4)
      at = x + <usize>load<u16>(p, 10) * V
      if (V > 0) b0 = madd(v, v128.load(at, 0), b0)
      if (V > 1) b1 = madd(v, v128.load(at, 16), b1)
      p += 12
    }
    if (count & 1) {
      const v = v128.load32_splat(p)
      const at = x + <usize>load<u16>(p, 4) * V
      if (V > 0) c0 = madd(v, v128.load(at, 0), c0)
      if (V > 1) c1 = madd(v, v128.load(at, 16), c1)
      p += 6
    }
    const from = source + row * sourceStride
    const to = target + row * targetStride
    if (V > 0) {
      const sum = f32x4.add(f32x4.add(a0, b0), f32x4.add(c0, d0))
      v128.store(to, first ? sum : f32x4.add(sum, v128.load(from, 0)), 0)
    }
    if (V > 1) {
      const sum = f32x4.add(f32x4.add(a1, b1), f32x4.add(c1, d1))
      v128.store(to, first ? sum : f32x4.add(sum, v128.load(from, 16)), 16)
    }
  }
}

/** As `rows` in panel.ts, V from 3 to 5: two sums for each vector, (a + b) + what was there. */
// @ts-ignore: decorator
@inline function pairedRows(V: i32, p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  while (p < end) {
    const header = load<u32>(p)
    const row = <usize>(header & 0xffff)
    p += 4
    let a0 = f32x4.splat(0)
    let b0 = f32x4.splat(0)
    let a1 = f32x4.splat(0)
    let b1 = f32x4.splat(0)
    let a2 = f32x4.splat(0)
    let b2 = f32x4.splat(0)
    let a3 = f32x4.splat(0)
    let b3 = f32x4.splat(0)
    let a4 = f32x4.splat(0)
    let b4 = f32x4.splat(0)
    const count = header >> 16
    const pairsEnd = p + <usize>(count >> 1) * 12
    while (p != pairsEnd) {
      let v = v128.load32_splat(p)
      let at = x + <usize>load<u16>(p, 8) * V
      if (V > 0) a0 = madd(v, v128.load(at, 0), a0)
      if (V > 1) a1 = madd(v, v128.load(at, 16), a1)
      if (V > 2) a2 = madd(v, v128.load(at, 32), a2)
      if (V > 3) a3 = madd(v, v128.load(at, 48), a3)
      if (V > 4) a4 = madd(v, v128.load(at, 64), a4)
      v = v128.load32_splat(p, 4)
      at = x + <usize>load<u16>(p, 10) * V
      if (V > 0) b0 = madd(v, v128.load(at, 0), b0)
      if (V > 1) b1 = madd(v, v128.load(at, 16), b1)
      if (V > 2) b2 = madd(v, v128.load(at, 32), b2)
      if (V > 3) b3 = madd(v, v128.load(at, 48), b3)
      if (V > 4) b4 = madd(v, v128.load(at, 64), b4)
      p += 12
    }
    if (count & 1) {
      const v = v128.load32_splat(p)
      const at = x + <usize>load<u16>(p, 4) * V
      if (V > 0) a0 = madd(v, v128.load(at, 0), a0)
      if (V > 1) a1 = madd(v, v128.load(at, 16), a1)
      if (V > 2) a2 = madd(v, v128.load(at, 32), a2)
      if (V > 3) a3 = madd(v, v128.load(at, 48), a3)
      if (V > 4) a4 = madd(v, v128.load(at, 64), a4)
      p += 6
    }
    const from = source + row * sourceStride
    const to = target + row * targetStride
    if (V > 0) {
      const sum = f32x4.add(a0, b0)
      v128.store(to, first ? sum : f32x4.add(sum, v128.load(from, 0)), 0)
    }
    if (V > 1) {
      const sum = f32x4.add(a1, b1)
      v128.store(to, first ? sum : f32x4.add(sum, v128.load(from, 16)), 16)
    }
    if (V > 2) {
      const sum = f32x4.add(a2, b2)
      v128.store(to, first ? sum : f32x4.add(sum, v128.load(from, 32)), 32)
    }
    if (V > 3) {
      const sum = f32x4.add(a3, b3)
      v128.store(to, first ? sum : f32x4.add(sum, v128.load(from, 48)), 48)
    }
    if (V > 4) {
      const sum = f32x4.add(a4, b4)
      v128.store(to, first ? sum : f32x4.add(sum, v128.load(from, 64)), 64)
    }
  }
}

export function rows1(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  narrowRows(1, p, end, x, source, sourceStride, target, targetStride, first)
}

export function rows2(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  narrowRows(2, p, end, x, source, sourceStride, target, targetStride, first)
}

export function rows3(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  pairedRows(3, p, end, x, source, sourceStride, target, targetStride, first)
}

export function rows4(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  pairedRows(4, p, end, x, source, sourceStride, target, targetStride, first)
}

export function rows5(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  pairedRows(5, p, end, x, source, sourceStride, target, targetStride, first)
}
