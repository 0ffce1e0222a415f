// Panels of one to six vectors (N up to 24): a row's multiply-adds would wait for each other (latency 4, two per cycle), so
// each vector has several sums: four for one or two vectors, two for three to six. The stream is the one of panel.ts.
import { madd } from '../lib/vector'
import { splat } from '../lib/splat'

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
      const values = v128.load(p)
      const offsets = load<u64>(p, 16)
      const v0 = splat(values, 0)
      const x0 = x + <usize>(<u32>offsets & 0xffff) * V
      if (V > 0) a0 = madd(v0, v128.load(x0, 0), a0)
      if (V > 1) a1 = madd(v0, v128.load(x0, 16), a1)
      const v1 = splat(values, 1)
      const x1 = x + <usize>(<u32>offsets >> 16) * V
      if (V > 0) b0 = madd(v1, v128.load(x1, 0), b0)
      if (V > 1) b1 = madd(v1, v128.load(x1, 16), b1)
      const v2 = splat(values, 2)
      const x2 = x + <usize>(<u32>(offsets >> 32) & 0xffff) * V
      if (V > 0) c0 = madd(v2, v128.load(x2, 0), c0)
      if (V > 1) c1 = madd(v2, v128.load(x2, 16), c1)
      const v3 = splat(values, 3)
      const x3 = x + <usize>(<u32>(offsets >> 48)) * V
      if (V > 0) d0 = madd(v3, v128.load(x3, 0), d0)
      if (V > 1) d1 = madd(v3, v128.load(x3, 16), d1)
      p += 24
    }
    const rest = count & 3
    if (rest != 0) {
      const values = v128.load(p)
      const offsets = load<u64>(p, 16)
      const v0 = splat(values, 0)
      const x0 = x + <usize>(<u32>offsets & 0xffff) * V
      if (V > 0) a0 = madd(v0, v128.load(x0, 0), a0)
      if (V > 1) a1 = madd(v0, v128.load(x0, 16), a1)
      if (rest > 1) {
        const v1 = splat(values, 1)
        const x1 = x + <usize>(<u32>offsets >> 16) * V
        if (V > 0) b0 = madd(v1, v128.load(x1, 0), b0)
        if (V > 1) b1 = madd(v1, v128.load(x1, 16), b1)
        if (rest > 2) {
          const v2 = splat(values, 2)
          const x2 = x + <usize>(<u32>(offsets >> 32) & 0xffff) * V
          if (V > 0) c0 = madd(v2, v128.load(x2, 0), c0)
          if (V > 1) c1 = madd(v2, v128.load(x2, 16), c1)
        }
      }
      p += 24
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

/** As `rows` in panel.ts, V from 3 to 6: two sums for each vector, (a + b) + what was there. */
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
    let a5 = f32x4.splat(0)
    let b5 = f32x4.splat(0)
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
      if (V > 0) a0 = madd(v0, v128.load(x0, 0), a0)
      if (V > 1) a1 = madd(v0, v128.load(x0, 16), a1)
      if (V > 2) a2 = madd(v0, v128.load(x0, 32), a2)
      if (V > 3) a3 = madd(v0, v128.load(x0, 48), a3)
      if (V > 4) a4 = madd(v0, v128.load(x0, 64), a4)
      if (V > 5) a5 = madd(v0, v128.load(x0, 80), a5)
      if (four == one) break
      const v1 = splat(values, 1)
      const x1 = x + <usize>(<u32>offsets >> 16) * V
      if (V > 0) b0 = madd(v1, v128.load(x1, 0), b0)
      if (V > 1) b1 = madd(v1, v128.load(x1, 16), b1)
      if (V > 2) b2 = madd(v1, v128.load(x1, 32), b2)
      if (V > 3) b3 = madd(v1, v128.load(x1, 48), b3)
      if (V > 4) b4 = madd(v1, v128.load(x1, 64), b4)
      if (V > 5) b5 = madd(v1, v128.load(x1, 80), b5)
      if (four == two) break
      const v2 = splat(values, 2)
      const x2 = x + <usize>(<u32>(offsets >> 32) & 0xffff) * V
      if (V > 0) a0 = madd(v2, v128.load(x2, 0), a0)
      if (V > 1) a1 = madd(v2, v128.load(x2, 16), a1)
      if (V > 2) a2 = madd(v2, v128.load(x2, 32), a2)
      if (V > 3) a3 = madd(v2, v128.load(x2, 48), a3)
      if (V > 4) a4 = madd(v2, v128.load(x2, 64), a4)
      if (V > 5) a5 = madd(v2, v128.load(x2, 80), a5)
      if (four == three) break
      const v3 = splat(values, 3)
      const x3 = x + <usize>(<u32>(offsets >> 48)) * V
      if (V > 0) b0 = madd(v3, v128.load(x3, 0), b0)
      if (V > 1) b1 = madd(v3, v128.load(x3, 16), b1)
      if (V > 2) b2 = madd(v3, v128.load(x3, 32), b2)
      if (V > 3) b3 = madd(v3, v128.load(x3, 48), b3)
      if (V > 4) b4 = madd(v3, v128.load(x3, 64), b4)
      if (V > 5) b5 = madd(v3, v128.load(x3, 80), b5)
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
    if (V > 5) {
      const sum = f32x4.add(a5, b5)
      v128.store(to, first ? sum : f32x4.add(sum, v128.load(from, 80)), 80)
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
export function rows6(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  pairedRows(6, p, end, x, source, sourceStride, target, targetStride, first)
}
