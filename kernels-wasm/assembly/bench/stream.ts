// Memory bandwidth of one core: buffers several times the last-level cache measure memory, small ones the cache they fit.
// Sizes are in bytes, multiples of 128. Write the buffers first: pages never written may all be one.
import { sum } from '../lib/vector'

/** Reads `bytes` bytes and returns the sum of them as f32: `bytes` of traffic, `bytes / 4` flops. */
export function streamRead(source: usize, bytes: usize): f32 {
  let x0 = f32x4.splat(0)
  let x1 = x0
  let x2 = x0
  let x3 = x0
  let x4 = x0
  let x5 = x0
  let x6 = x0
  let x7 = x0
  for (const end = source + bytes; source < end; source += 128) {
    x0 = f32x4.add(x0, v128.load(source))
    x1 = f32x4.add(x1, v128.load(source, 16))
    x2 = f32x4.add(x2, v128.load(source, 32))
    x3 = f32x4.add(x3, v128.load(source, 48))
    x4 = f32x4.add(x4, v128.load(source, 64))
    x5 = f32x4.add(x5, v128.load(source, 80))
    x6 = f32x4.add(x6, v128.load(source, 96))
    x7 = f32x4.add(x7, v128.load(source, 112))
  }
  return sum(
    f32x4.add(f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3)), f32x4.add(f32x4.add(x4, x5), f32x4.add(x6, x7))),
  )
}

/** target = source: `2 * bytes` of traffic (a cache that allocates on write reads the target too: 3). */
export function streamCopy(target: usize, source: usize, bytes: usize): void {
  for (const end = source + bytes; source < end; source += 64, target += 64) {
    v128.store(target, v128.load(source))
    v128.store(target, v128.load(source, 16), 16)
    v128.store(target, v128.load(source, 32), 32)
    v128.store(target, v128.load(source, 48), 48)
  }
}

/** STREAM triad, target = a + scale * b: `3 * bytes` of traffic (4 with write-allocate), `bytes / 2` flops. */
export function streamTriad(target: usize, a: usize, b: usize, scale: f32, bytes: usize): void {
  const s = f32x4.splat(scale)
  for (const end = a + bytes; a < end; a += 32, b += 32, target += 32) {
    v128.store(target, f32x4.add(v128.load(a), f32x4.mul(v128.load(b), s)))
    v128.store(target, f32x4.add(v128.load(a, 16), f32x4.mul(v128.load(b, 16), s)), 16)
  }
}
