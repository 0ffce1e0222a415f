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

/** One vector of four tokens and of what was joined before. */
// @ts-ignore: decorator
@inline function joinVector(mode: i32, a: usize, b: usize, c: usize, d: usize, to: usize, offset: usize): void {
  const x = join(mode, v128.load(a + offset), v128.load(b + offset))
  const y = join(mode, v128.load(c + offset), v128.load(d + offset))
  v128.store(to + offset, join(mode, v128.load(to + offset), join(mode, x, y)))
}

/**
 * Joins four tokens to a row. Tokens are read whole and in order: pooling has to keep pace with memory, and a pass for each part of
 * a row would read one cache line in two and come back for the others.
 */
// @ts-ignore: decorator
@inline function joinTokens(mode: i32, a: usize, b: usize, c: usize, d: usize, to: usize, rowBytes: usize): void {
  let i: usize = 0
  for (const wide = rowBytes & ~63; i < wide; i += 64) {
    joinVector(mode, a, b, c, d, to, i)
    joinVector(mode, a, b, c, d, to, i + 16)
    joinVector(mode, a, b, c, d, to, i + 32)
    joinVector(mode, a, b, c, d, to, i + 48)
  }
  for (; i < rowBytes; i += 16) joinVector(mode, a, b, c, d, to, i)
}

// @ts-ignore: decorator
@inline function joinToken(mode: i32, a: usize, to: usize, rowBytes: usize): void {
  for (let i: usize = 0; i < rowBytes; i += 16) v128.store(to + i, join(mode, v128.load(to + i), v128.load(a + i)))
}

// @ts-ignore: decorator
@inline function pool(mode: i32, source: usize, stride: usize, tokens: i32, block: i32, headDim: i32, target: usize, begin: i32, end: i32): void {
  const rowBytes = <usize>headDim << 2
  for (let row = begin; row < end; row++) {
    let from = source + <usize>(row * block) * stride
    const to = target + <usize>row * rowBytes
    const count = min(block, tokens - row * block)
    // To its own extremes the first token adds nothing.
    if (mode == MEAN) memory.fill(to, 0, rowBytes)
    else memory.copy(to, from, rowBytes)
    let left = count
    for (; left >= 4; left -= 4, from += stride << 2)
      joinTokens(mode, from, from + stride, from + 2 * stride, from + 3 * stride, to, rowBytes)
    for (; left > 0; left--, from += stride) joinToken(mode, from, to, rowBytes)
    if (mode != MEAN) continue
    const factor = f32x4.splat(<f32>1 / <f32>count)
    for (let i: usize = 0; i < rowBytes; i += 16) v128.store(to + i, f32x4.mul(factor, v128.load(to + i)))
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
