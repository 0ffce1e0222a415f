// Blocks of tokens become one row each, and rows of queries meet rows of keys: what choosing blocks needs.
import { madd } from '../lib/vector'
import { packTokens } from './pack'

const MEAN: i32 = 0
const MAXIMUM: i32 = 1
const MINIMUM: i32 = 2

// @ts-ignore: decorator
@inline function join(mode: i32, old: v128, x: v128): v128 {
  return mode == MEAN ? f32x4.add(old, x) : mode == MAXIMUM ? f32x4.pmax(old, x) : f32x4.pmin(old, x)
}

/** 8 vectors of a block's tokens at once. */
// @ts-ignore: decorator
@inline function wide(mode: i32, from: usize, stride: usize, count: i32, to: usize, factor: v128): void {
  let a = v128.load(from)
  let b = v128.load(from, 16)
  let c = v128.load(from, 32)
  let d = v128.load(from, 48)
  let e = v128.load(from, 64)
  let f = v128.load(from, 80)
  let g = v128.load(from, 96)
  let h = v128.load(from, 112)
  for (const end = from + <usize>(count - 1) * stride; from != end; ) {
    from += stride
    a = join(mode, a, v128.load(from))
    b = join(mode, b, v128.load(from, 16))
    c = join(mode, c, v128.load(from, 32))
    d = join(mode, d, v128.load(from, 48))
    e = join(mode, e, v128.load(from, 64))
    f = join(mode, f, v128.load(from, 80))
    g = join(mode, g, v128.load(from, 96))
    h = join(mode, h, v128.load(from, 112))
  }
  v128.store(to, f32x4.mul(a, factor))
  v128.store(to, f32x4.mul(b, factor), 16)
  v128.store(to, f32x4.mul(c, factor), 32)
  v128.store(to, f32x4.mul(d, factor), 48)
  v128.store(to, f32x4.mul(e, factor), 64)
  v128.store(to, f32x4.mul(f, factor), 80)
  v128.store(to, f32x4.mul(g, factor), 96)
  v128.store(to, f32x4.mul(h, factor), 112)
}

// @ts-ignore: decorator
@inline function narrow(mode: i32, from: usize, stride: usize, count: i32, to: usize, factor: v128): void {
  let a = v128.load(from)
  for (const end = from + <usize>(count - 1) * stride; from != end; ) {
    from += stride
    a = join(mode, a, v128.load(from))
  }
  v128.store(to, f32x4.mul(a, factor))
}

// @ts-ignore: decorator
@inline function pool(mode: i32, source: usize, stride: usize, tokens: i32, block: i32, headDim: i32, target: usize, begin: i32, end: i32): void {
  const rowBytes = <usize>headDim << 2
  const wideBytes = rowBytes & ~127
  for (let row = begin; row < end; row++) {
    const from = source + <usize>(row * block) * stride
    const to = target + <usize>row * rowBytes
    const count = min(block, tokens - row * block)
    const factor = f32x4.splat(mode == MEAN ? <f32>1 / <f32>count : 1)
    let i: usize = 0
    for (; i < wideBytes; i += 128) wide(mode, from + i, stride, count, to + i, factor)
    for (; i < rowBytes; i += 16) narrow(mode, from + i, stride, count, to + i, factor)
  }
}

/** Rows `begin` to `end` - 1 of the target [blocks, headDim]: means of the tokens of a block. Strides in bytes. */
export function poolMean(source: usize, stride: usize, tokens: i32, block: i32, headDim: i32, target: usize, begin: i32, end: i32): void {
  pool(MEAN, source, stride, tokens, block, headDim, target, begin, end)
}

/** As `poolMean`, maxima. */
export function poolMaximum(source: usize, stride: usize, tokens: i32, block: i32, headDim: i32, target: usize, begin: i32, end: i32): void {
  pool(MAXIMUM, source, stride, tokens, block, headDim, target, begin, end)
}

/** As `poolMean`, minima. */
export function poolMinimum(source: usize, stride: usize, tokens: i32, block: i32, headDim: i32, target: usize, begin: i32, end: i32): void {
  pool(MINIMUM, source, stride, tokens, block, headDim, target, begin, end)
}

/** Panels of 8 rows [headDim][8], times `scale`; the last one repeats the last row. */
export function packRows(rows: usize, count: i32, headDim: i32, scale: f32, panels: usize): void {
  packTokens(rows, <usize>headDim << 2, count, headDim, scale, panels)
}

/** 4 rows by one panel. Rows that are missing repeat the first. */
// @ts-ignore: decorator
@inline function tile(a: usize, rows: i32, headDim: i32, panel: usize, target: usize, targetStride: usize): void {
  const rowBytes = <usize>headDim << 2
  let b = rows > 1 ? a + rowBytes : a
  let c = rows > 2 ? b + rowBytes : a
  let d = rows > 3 ? c + rowBytes : a
  const zero = f32x4.splat(0)
  let a0 = zero
  let a1 = zero
  let b0 = zero
  let b1 = zero
  let c0 = zero
  let c1 = zero
  let d0 = zero
  let d1 = zero
  const end = a + rowBytes
  do {
    const x = v128.load(panel)
    const y = v128.load(panel, 16)
    let w = v128.load32_splat(a)
    a0 = madd(w, x, a0)
    a1 = madd(w, y, a1)
    w = v128.load32_splat(b)
    b0 = madd(w, x, b0)
    b1 = madd(w, y, b1)
    w = v128.load32_splat(c)
    c0 = madd(w, x, c0)
    c1 = madd(w, y, c1)
    w = v128.load32_splat(d)
    d0 = madd(w, x, d0)
    d1 = madd(w, y, d1)
    a += 4
    b += 4
    c += 4
    d += 4
    panel += 32
  } while (a != end)
  v128.store(target, a0)
  v128.store(target, a1, 16)
  if (rows > 1) v128.store(target + targetStride, b0)
  if (rows > 1) v128.store(target + targetStride, b1, 16)
  if (rows > 2) v128.store(target + 2 * targetStride, c0)
  if (rows > 2) v128.store(target + 2 * targetStride, c1, 16)
  if (rows > 3) v128.store(target + 3 * targetStride, d0)
  if (rows > 3) v128.store(target + 3 * targetStride, d1, 16)
}

/**
 * Scores [rows, columns] of pooled queries [rows, headDim] and pooled keys in panels, rows `begin` to `end` - 1. Rows of the
 * target lie `targetStride` bytes apart, a multiple of 32: what stands beyond the columns repeats the last.
 */
export function scoreBlocks(queries: usize, panels: usize, columns: i32, headDim: i32, target: usize, targetStride: usize, begin: i32, end: i32): void {
  const panelBytes = <usize>headDim << 5
  for (let column = 0; column < columns; column += 8, panels += panelBytes, target += 32) {
    for (let row = begin; row < end; row += 4)
      tile(queries + (<usize>(row * headDim) << 2), min(4, end - row), headDim, panels, target + <usize>row * targetStride, targetStride)
  }
}
