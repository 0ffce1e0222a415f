// Sparse i8 weights whose entries stand in fours, neighbours in a row (blocks of 1x4, or of any height and a width that is a
// multiple of four), times activations quantised and packed by fours of k (core-i8/pack.ts, panels of 32 columns): a vector
// of X holds four columns, ready for the dot product. The stream of a (row window, K block) holds for each row:
//   u32 header: row in its window | fours << 16;  f32 scale;  i32 sum of the weights
//   fours:      4 i8 weights, u16 number of the four inside the K block (6 bytes)
import { UNIT } from '../core-i8/pack'
import { parameterBytes } from '../lib/quantise'
import { dot, put } from './rows'
import { leaveRows, leaveTokens } from './quads'

const HEADER: usize = 12
const FOUR: usize = 6

/** Four weights and four columns of X: with base SIMD two halves of 16-bit numbers, `apart` bytes from each other. */
// @ts-ignore: decorator
@inline function add(paired: bool, w: v128, v: v128, x: usize, apart: usize, ones: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return dot(paired, w, v128.load(x), ones, sum)
  return i32x4.add(sum, i32x4.add(i32x4.dot_i16x8_s(w, v128.load(x)), i32x4.dot_i16x8_s(v, v128.load(x + apart))))
}

/** As `rows` in rows.ts; V vectors of four columns, 1, 2, 4 or 8; unitBytes from unit to unit of the panel. */
// @ts-ignore: decorator
@inline function rows(V: i32, paired: bool, ones: v128, p: usize, end: usize, x: usize, unitBytes: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  const fourBytes = unitBytes * (4 / UNIT)
  while (p < end) {
    const header = load<u32>(p)
    const total = v128.load32_splat(p, 8)
    const scale = v128.load32_splat(p, 4)
    p += HEADER
    let s0 = i32x4.splat(0)
    let s1 = s0
    let s2 = s0
    let s3 = s0
    let s4 = s0
    let s5 = s0
    let s6 = s0
    let s7 = s0
    for (const e = p + <usize>(header >> 16) * FOUR; p < e; p += FOUR) {
      const from = x + <usize>load<u16>(p, 4) * fourBytes
      let w = v128.load32_splat(p)
      let v = w
      if (!ASC_FEATURE_RELAXED_SIMD) {
        const wide = i16x8.extend_low_i8x16_s(w)
        w = v128.shuffle<i32>(wide, wide, 0, 0, 0, 0)
        v = v128.shuffle<i32>(wide, wide, 1, 1, 1, 1)
      }
      s0 = add(paired, w, v, from, unitBytes, ones, s0)
      if (V > 1) s1 = add(paired, w, v, from + 16, unitBytes, ones, s1)
      if (V > 2) s2 = add(paired, w, v, from + 32, unitBytes, ones, s2)
      if (V > 2) s3 = add(paired, w, v, from + 48, unitBytes, ones, s3)
      if (V > 4) s4 = add(paired, w, v, from + 64, unitBytes, ones, s4)
      if (V > 4) s5 = add(paired, w, v, from + 80, unitBytes, ones, s5)
      if (V > 4) s6 = add(paired, w, v, from + 96, unitBytes, ones, s6)
      if (V > 4) s7 = add(paired, w, v, from + 112, unitBytes, ones, s7)
    }
    const to = area + <usize>(header & 0xffff) * (<usize>V << 4)
    put(to, 0, s0, total, scale, first, last, scales, zeros)
    if (V > 1) put(to, 16, s1, total, scale, first, last, scales, zeros)
    if (V > 2) put(to, 32, s2, total, scale, first, last, scales, zeros)
    if (V > 2) put(to, 48, s3, total, scale, first, last, scales, zeros)
    if (V > 4) put(to, 64, s4, total, scale, first, last, scales, zeros)
    if (V > 4) put(to, 80, s5, total, scale, first, last, scales, zeros)
    if (V > 4) put(to, 96, s6, total, scale, first, last, scales, zeros)
    if (V > 4) put(to, 112, s7, total, scale, first, last, scales, zeros)
  }
}

// One function for each width and way: see rows.ts.

function pairedRows1(one: i32, p: usize, end: usize, x: usize, unitBytes: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(1, true, i16x8.splat(<i16>one), p, end, x, unitBytes, area, first, last, scales, zeros)
}

function pairedRows2(one: i32, p: usize, end: usize, x: usize, unitBytes: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(2, true, i16x8.splat(<i16>one), p, end, x, unitBytes, area, first, last, scales, zeros)
}

function pairedRows4(one: i32, p: usize, end: usize, x: usize, unitBytes: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(4, true, i16x8.splat(<i16>one), p, end, x, unitBytes, area, first, last, scales, zeros)
}

function pairedRows8(one: i32, p: usize, end: usize, x: usize, unitBytes: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(8, true, i16x8.splat(<i16>one), p, end, x, unitBytes, area, first, last, scales, zeros)
}

function directRows1(p: usize, end: usize, x: usize, unitBytes: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(1, false, i16x8.splat(0), p, end, x, unitBytes, area, first, last, scales, zeros)
}

function directRows2(p: usize, end: usize, x: usize, unitBytes: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(2, false, i16x8.splat(0), p, end, x, unitBytes, area, first, last, scales, zeros)
}

function directRows4(p: usize, end: usize, x: usize, unitBytes: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(4, false, i16x8.splat(0), p, end, x, unitBytes, area, first, last, scales, zeros)
}

function directRows8(p: usize, end: usize, x: usize, unitBytes: usize, area: usize, first: bool, last: bool, scales: usize, zeros: usize): void {
  rows(8, false, i16x8.splat(0), p, end, x, unitBytes, area, first, last, scales, zeros)
}

/** Vectors of a panel of so many columns: what its rows in the area hold. Lanes beyond the columns read what follows. */
// @ts-ignore: decorator
@inline function vectorsOf(columns: i32): i32 {
  return columns > 16 ? 8 : columns > 8 ? 4 : columns > 4 ? 2 : 1
}

/** As `spmmI8Quads`, for weights in fours. The panels of x are followed by 128 bytes that may be read. */
export function spmmI8Fours(
  stream: usize, segments: usize, starts: usize, kBlocks: i32, m: i32, k: i32, windowRows: i32,
  x: usize, n: i32, parameters: usize, paired: i32,
  y: usize, yStride: usize, tokens: i32, scratch: usize, parts: i32,
  begin: i32, end: i32,
): void {
  const windows = (m + windowRows - 1) / windowRows
  const units = windows * ((n + 31) >> 5)
  const depth = (k + UNIT - 1) / UNIT
  const zeros = 2 * parameterBytes(n)
  for (let part = begin; part < end; part++) {
    const area = scratch + <usize>part * windowRows * 128
    const unitEnd = units * (part + 1) / parts
    for (let unit = units * part / parts; unit < unitEnd; unit++) {
      const column = unit / windows << 5
      const window = unit % windows
      const columns = min(32, n - column)
      const vectors = vectorsOf(columns)
      const unitBytes = <usize>columns << 2
      const panel = x + (<usize>column << 2) * depth
      const scales = parameters + (<usize>column << 2)
      let segment = segments + <usize>(window * kBlocks << 2)
      for (let block = 0; block < kBlocks; block++, segment += 4) {
        const p = stream + load<u32>(segment)
        const e = stream + load<u32>(segment, 4)
        const from = panel + <usize>(load<u32>(starts + <usize>(block << 2)) / UNIT) * unitBytes
        const first = block == 0
        const last = block == kBlocks - 1
        if (ASC_FEATURE_RELAXED_SIMD && paired) {
          if (vectors == 8) pairedRows8(paired, p, e, from, unitBytes, area, first, last, scales, scales + zeros)
          else if (vectors == 4) pairedRows4(paired, p, e, from, unitBytes, area, first, last, scales, scales + zeros)
          else if (vectors == 2) pairedRows2(paired, p, e, from, unitBytes, area, first, last, scales, scales + zeros)
          else pairedRows1(paired, p, e, from, unitBytes, area, first, last, scales, scales + zeros)
        } else if (vectors == 8) directRows8(p, e, from, unitBytes, area, first, last, scales, scales + zeros)
        else if (vectors == 4) directRows4(p, e, from, unitBytes, area, first, last, scales, scales + zeros)
        else if (vectors == 2) directRows2(p, e, from, unitBytes, area, first, last, scales, scales + zeros)
        else directRows1(p, e, from, unitBytes, area, first, last, scales, scales + zeros)
      }
      const rows = min(windowRows, m - window * windowRows)
      const top = <usize>(window * windowRows)
      if (tokens) leaveTokens(area, rows, columns, vectors, y + (top << 2) + <usize>column * yStride, yStride)
      else leaveRows(area, rows, columns, vectors, y + top * yStride + (<usize>column << 2), yStride)
    }
  }
}
