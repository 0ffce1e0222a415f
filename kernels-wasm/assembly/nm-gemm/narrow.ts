// Panels of one to three vectors (N up to 12): multiply-adds would wait for each other (latency 4, two per cycle), so each
// vector of both rows has two sums. The stream is the one of pairs.ts.
import { splat } from '../lib/splat'
import { madd } from '../lib/vector'

/** As described above, V = 1, 2 or 3: two sums for each vector, (even entries + odd ones) + what was there. */
// @ts-ignore: decorator
@inline function narrowPairs(V: i32, p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
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
      if (V > 1) {
        const y = v128.load(at, 16)
        a1 = madd(v, y, a1)
        b1 = madd(w, y, b1)
      }
      if (V > 2) {
        const y = v128.load(at, 32)
        a2 = madd(v, y, a2)
        b2 = madd(w, y, b2)
      }
      if (four == one) break
      v = v128.load32_splat(four, 16)
      w = v128.load32_splat(four, 20)
      at = x + <usize>(<u32>offsets >> 16)
      {
        const y = v128.load(at, 0)
        a3 = madd(v, y, a3)
        b3 = madd(w, y, b3)
      }
      if (V > 1) {
        const y = v128.load(at, 16)
        a4 = madd(v, y, a4)
        b4 = madd(w, y, b4)
      }
      if (V > 2) {
        const y = v128.load(at, 32)
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
      if (V > 1) {
        const y = v128.load(at, 16)
        a1 = madd(v, y, a1)
        b1 = madd(w, y, b1)
      }
      if (V > 2) {
        const y = v128.load(at, 32)
        a2 = madd(v, y, a2)
        b2 = madd(w, y, b2)
      }
      if (four == three) break
      v = v128.load32_splat(four, 32)
      w = v128.load32_splat(four, 36)
      at = x + <usize>(offsets >> 48)
      {
        const y = v128.load(at, 0)
        a3 = madd(v, y, a3)
        b3 = madd(w, y, b3)
      }
      if (V > 1) {
        const y = v128.load(at, 16)
        a4 = madd(v, y, a4)
        b4 = madd(w, y, b4)
      }
      if (V > 2) {
        const y = v128.load(at, 32)
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
      if (V > 1) a1 = madd(v, v128.load(at, 16), a1)
      if (V > 2) a2 = madd(v, v128.load(at, 32), a2)
      w = splat(values, 1)
      at = x + <usize>(<u32>offsets >> 16)
      b0 = madd(w, v128.load(at, 0), b0)
      if (V > 1) b1 = madd(w, v128.load(at, 16), b1)
      if (V > 2) b2 = madd(w, v128.load(at, 32), b2)
      if (pair == last) break
      v = splat(values, 2)
      at = x + <usize>(<u32>(offsets >> 32) & 0xffff)
      a3 = madd(v, v128.load(at, 0), a3)
      if (V > 1) a4 = madd(v, v128.load(at, 16), a4)
      if (V > 2) a5 = madd(v, v128.load(at, 32), a5)
      w = splat(values, 3)
      at = x + <usize>(offsets >> 48)
      b3 = madd(w, v128.load(at, 0), b3)
      if (V > 1) b4 = madd(w, v128.load(at, 16), b4)
      if (V > 2) b5 = madd(w, v128.load(at, 32), b5)
    }
    a0 = f32x4.add(a0, a3)
    b0 = f32x4.add(b0, b3)
    a1 = f32x4.add(a1, a4)
    b1 = f32x4.add(b1, b4)
    a2 = f32x4.add(a2, a5)
    b2 = f32x4.add(b2, b5)
    if (!first) {
      const from = source + low * sourceStride
      const other = source + high * sourceStride
      a0 = f32x4.add(a0, v128.load(from, 0))
      b0 = f32x4.add(b0, v128.load(other, 0))
      if (V > 1) a1 = f32x4.add(a1, v128.load(from, 16))
      if (V > 1) b1 = f32x4.add(b1, v128.load(other, 16))
      if (V > 2) a2 = f32x4.add(a2, v128.load(from, 32))
      if (V > 2) b2 = f32x4.add(b2, v128.load(other, 32))
    }
    const under = target + high * targetStride
    v128.store(under, b0, 0)
    if (V > 1) v128.store(under, b1, 16)
    if (V > 2) v128.store(under, b2, 32)
    const to = target + low * targetStride
    v128.store(to, a0, 0)
    if (V > 1) v128.store(to, a1, 16)
    if (V > 2) v128.store(to, a2, 32)
  }
}

export function pairs1(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  narrowPairs(1, p, end, x, source, sourceStride, target, targetStride, first)
}

export function pairs2(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  narrowPairs(2, p, end, x, source, sourceStride, target, targetStride, first)
}

export function pairs3(p: usize, end: usize, x: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize, first: bool): void {
  narrowPairs(3, p, end, x, source, sourceStride, target, targetStride, first)
}
