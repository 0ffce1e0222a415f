// Queries in lanes: panels of 8 tokens, each [headDim][8], so that two vectors of a tile are neighbours.
import { fetch } from './fetch'

// @ts-ignore: decorator
@inline function transposeScaled(a: usize, b: usize, c: usize, d: usize, target: usize, scale: v128): void {
  const w = f32x4.mul(v128.load(a), scale)
  const x = f32x4.mul(v128.load(b), scale)
  const y = f32x4.mul(v128.load(c), scale)
  const z = f32x4.mul(v128.load(d), scale)
  const wx = i8x16.shuffle(w, x, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const yz = i8x16.shuffle(y, z, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const wx2 = i8x16.shuffle(w, x, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  const yz2 = i8x16.shuffle(y, z, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  v128.store(target, i64x2.shuffle(wx, yz, 0, 2))
  v128.store(target, i64x2.shuffle(wx, yz, 1, 3), 32)
  v128.store(target, i64x2.shuffle(wx2, yz2, 0, 2), 64)
  v128.store(target, i64x2.shuffle(wx2, yz2, 1, 3), 96)
}

/**
 * Panels of `count` tokens, times `scale`. The lanes that the last panel lacks repeat the last token.
 * headDim is a multiple of 4.
 */
export function packTokens(source: usize, stride: usize, count: i32, headDim: i32, scale: f32, target: usize): void {
  const factor = f32x4.splat(scale)
  const panelBytes = <usize>headDim << 5
  const rowBytes = <usize>headDim << 2
  // Any place that is written later.
  store<i32>(target, fetch(source, stride, count, rowBytes))
  for (let token = 0; token < count; token += 4) {
    const last = count - 1
    const a = source + <usize>token * stride
    const b = source + <usize>min(token + 1, last) * stride
    const c = source + <usize>min(token + 2, last) * stride
    const d = source + <usize>min(token + 3, last) * stride
    const to = target + <usize>(token >> 3) * panelBytes + <usize>((token & 4) << 2)
    for (let i: usize = 0; i < rowBytes; i += 16) transposeScaled(a + i, b + i, c + i, d + i, to + (i << 3), factor)
  }
  // An odd number of half panels: the last half repeats too.
  if ((count + 3) & 4) {
    const last = source + <usize>(count - 1) * stride
    const to = target + <usize>(count >> 3) * panelBytes + 16
    for (let i: usize = 0; i < rowBytes; i += 16) transposeScaled(last + i, last + i, last + i, last + i, to + (i << 3), factor)
  }
}
