// Convolution with sparse weights, without im2col. Images are padded and split into one plane for each residue of the stride
// (a phase), so that tap (i, j) of a kernel reads its plane shifted by a constant: one flat address for each weight, whatever
// the stride. Outputs stand on a grid as wide as the planes; what is in the columns too many is left out in the end.
import { fourDots, storeSome } from './dots'
import { madd } from '../lib/vector'

/**
 * planes[(phase, channel)][qy][qx] = image[channel][qy * strideY + phaseY - top][qx * strideX + phaseX - left], 0 outside.
 *
 * @param planeStride bytes between planes; what lies between rows * columns elements and it is set to 0, too
 * @param begin, end  planes (phase * channels + channel)
 */
export function splitPlanes(
  image: usize, channels: i32, height: i32, width: i32, strideY: i32, strideX: i32, top: i32, left: i32,
  planes: usize, rows: i32, columns: i32, planeStride: usize,
  begin: i32, end: i32,
): void {
  for (let plane = begin; plane < end; plane++) {
    const phase = plane / channels
    const phaseY = phase / strideX - top
    const phaseX = phase % strideX - left
    const from = image + (<usize>((plane % channels) * height * width) << 2)
    const to = planes + <usize>plane * planeStride
    memory.fill(to, 0, planeStride)
    const first = firstInside(phaseX, strideX)
    const last = min(columns, firstInside(phaseX - width, strideX))
    for (let qy = 0; qy < rows; qy++) {
      const y = qy * strideY + phaseY
      if (y < 0 || y >= height || first >= last) continue
      let source = from + (<usize>(y * width + first * strideX + phaseX) << 2)
      let target = to + (<usize>(qy * columns + first) << 2)
      if (strideX == 1) memory.copy(target, source, <usize>(last - first) << 2)
      else {
        for (let qx = first; qx < last; qx++, target += 4, source += <usize>strideX << 2) store<f32>(target, load<f32>(source))
      }
    }
  }
}

/** The other way round: every element of the image that a plane holds is written, with `bias` (0 or one number for each channel) added. */
export function joinPlanes(
  image: usize, channels: i32, height: i32, width: i32, strideY: i32, strideX: i32, top: i32, left: i32,
  planes: usize, rows: i32, columns: i32, planeStride: usize, bias: usize,
  begin: i32, end: i32,
): void {
  for (let plane = begin; plane < end; plane++) {
    const phase = plane / channels
    const channel = plane % channels
    const phaseY = phase / strideX - top
    const phaseX = phase % strideX - left
    const to = image + (<usize>(channel * height * width) << 2)
    const from = planes + <usize>plane * planeStride
    const added: f32 = bias ? load<f32>(bias + (<usize>channel << 2)) : 0
    const first = firstInside(phaseX, strideX)
    const last = min(columns, firstInside(phaseX - width, strideX))
    for (let qy = 0; qy < rows; qy++) {
      const y = qy * strideY + phaseY
      if (y < 0 || y >= height || first >= last) continue
      let target = to + (<usize>(y * width + first * strideX + phaseX) << 2)
      let source = from + (<usize>(qy * columns + first) << 2)
      if (strideX == 1 && bias == 0) memory.copy(target, source, <usize>(last - first) << 2)
      else {
        for (let qx = first; qx < last; qx++, source += 4, target += <usize>strideX << 2) store<f32>(target, load<f32>(source) + added)
      }
    }
  }
}

/** The least q >= 0 with q * stride + offset >= 0. */
// @ts-ignore: decorator
@inline function firstInside(offset: i32, stride: i32): i32 {
  return offset >= 0 ? 0 : (stride - 1 - offset) / stride
}

/** Vectors of pixels at once. */
const V: i32 = 8

/**
 * out[row][pixel] = sum over the row's entries of value * x[offset of the entry + pixel].
 *
 * @param offsets u32 byte offset into `stream` for each row, and one more: the end
 * @param stream  for each entry f32 value, i32 byte offset from x
 * @param vectors of pixels; all of them are written
 * @param begin, end  rows
 */
export function convolvePlanes(
  offsets: usize, stream: usize, x: usize, out: usize, outStride: usize, vectors: i32, begin: i32, end: i32,
): void {
  for (let vector = 0; vector < vectors; vector += V) {
    const at = <usize>vector << 4
    for (let row = begin; row < end; row++) {
      const table = offsets + (<usize>row << 2)
      const p = stream + load<u32>(table)
      const last = stream + load<u32>(table, 4)
      const to = out + <usize>row * outStride + at
      if (vectors - vector >= V) eightVectors(p, last, x + at, to)
      else for (let i: usize = 0; i < <usize>(vectors - vector) << 4; i += 16) oneVector(p, last, x + at + i, to + i)
    }
  }
}

function eightVectors(p: usize, end: usize, x: usize, to: usize): void {
  let s0 = f32x4.splat(0)
  let s1 = s0
  let s2 = s0
  let s3 = s0
  let s4 = s0
  let s5 = s0
  let s6 = s0
  let s7 = s0
  for (; p != end; p += 8) {
    const value = v128.load32_splat(p)
    const from = x + load<i32>(p, 4)
    s0 = madd(value, v128.load(from), s0)
    s1 = madd(value, v128.load(from, 16), s1)
    s2 = madd(value, v128.load(from, 32), s2)
    s3 = madd(value, v128.load(from, 48), s3)
    s4 = madd(value, v128.load(from, 64), s4)
    s5 = madd(value, v128.load(from, 80), s5)
    s6 = madd(value, v128.load(from, 96), s6)
    s7 = madd(value, v128.load(from, 112), s7)
  }
  v128.store(to, s0)
  v128.store(to, s1, 16)
  v128.store(to, s2, 32)
  v128.store(to, s3, 48)
  v128.store(to, s4, 64)
  v128.store(to, s5, 80)
  v128.store(to, s6, 96)
  v128.store(to, s7, 112)
}

function oneVector(p: usize, end: usize, x: usize, to: usize): void {
  let sum = f32x4.splat(0)
  for (; p != end; p += 8) sum = madd(v128.load32_splat(p), v128.load(x + load<i32>(p, 4)), sum)
  v128.store(to, sum)
}

/**
 * out[e] += sum over the pixels of y[row of e][pixel] * x[offset of e + pixel]: the gradients of the weights.
 *
 * @param rowOffsets u32 first entry of each row, and one more: the end
 * @param stream     as in convolvePlanes, one entry after the other
 * @param y          rows of `vectors` vectors, yStride bytes apart; 0 in the columns too many
 * @param never      0
 * @param begin, end rows
 */
export function correlatePlanes(
  rowOffsets: usize, stream: usize, x: usize, y: usize, yStride: usize, vectors: i32, out: usize, never: i32,
  begin: i32, end: i32,
): void {
  for (let vector = 0; vector < vectors; vector += V) {
    const at = <usize>vector << 4
    for (let row = begin; row < end; row++) {
      const table = rowOffsets + (<usize>row << 2)
      const first = load<u32>(table)
      const count = <i32>(load<u32>(table, 4) - first)
      const p = stream + (<usize>first << 3)
      const to = out + (<usize>first << 2)
      const from = y + <usize>row * yStride + at
      if (vectors - vector >= V) eightVectorDots(p, count, x + at, from, to, never)
      else for (let i: usize = 0; i < <usize>(vectors - vector) << 4; i += 16) oneVectorDots(p, count, x + at + i, from + i, to, never)
    }
  }
}

function eightVectorDots(p: usize, count: i32, x: usize, y: usize, to: usize, never: i32): void {
  const y0 = v128.load(y)
  const y1 = v128.load(y, 16)
  const y2 = v128.load(y, 32)
  const y3 = v128.load(y, 48)
  const y4 = v128.load(y, 64)
  const y5 = v128.load(y, 80)
  const y6 = v128.load(y, 96)
  const y7 = v128.load(y, 112)
  for (; count >= 4; count -= 4, p += 32, to += 16) {
    const sums = fourDots(
      8, never, x + load<i32>(p, 4), x + load<i32>(p, 12), x + load<i32>(p, 20), x + load<i32>(p, 28),
      y0, y1, y2, y3, y4, y5, y6, y7,
    )
    v128.store(to, f32x4.add(v128.load(to), sums))
  }
  if (count > 0) {
    const a = x + load<i32>(p, 4)
    const b = count > 1 ? x + load<i32>(p, 12) : a
    storeSome(to, fourDots(8, never, a, b, count > 2 ? x + load<i32>(p, 20) : a, a, y0, y1, y2, y3, y4, y5, y6, y7), count, true)
  }
}

function oneVectorDots(p: usize, count: i32, x: usize, y: usize, to: usize, never: i32): void {
  const y0 = v128.load(y)
  for (; count > 0; count -= 4, p += 32, to += 16) {
    const a = x + load<i32>(p, 4)
    const b = count > 1 ? x + load<i32>(p, 12) : a
    const c = count > 2 ? x + load<i32>(p, 20) : a
    const d = count > 3 ? x + load<i32>(p, 28) : a
    const sums = fourDots(1, never, a, b, c, d, y0, y0, y0, y0, y0, y0, y0, y0)
    if (count > 3) v128.store(to, f32x4.add(v128.load(to), sums))
    else storeSome(to, sums, count, true)
  }
}
