// Attention inside each of some sequences that are laid end to end, features in rows and tokens in lanes: queries need no
// packing into lanes, results no turning back, and no query meets another sequence's keys, however short the sequences are.
import { C2, C3, C4, C5, exp, LEAST, LOG2E, MINUS_LN2, ONE, SHIFT } from '../attention/exponential'
import { madd, transpose4 } from '../lib/vector'

/** Queries that are computed at once, in bytes: two vectors. */
const QUERIES: usize = 32
/** Keys of a tile of scores. */
const KEYS: i32 = 6

/**
 * out = softmax((q + qBias) kᵀ / sqrt(headDim)) (v + vBias). Columns before a multiple of 8 past a sequence's end are read, and written,
 * too: what they hold does not matter, and the next sequence writes its own later.
 *
 * @param qkv         [3 * heads * headDim] rows of tokens, `stride` bytes apart: queries, keys, values
 * @param bias        as many floats; those of the keys would add the same to all scores of a query, and are not read
 * @param out         [heads * headDim] rows, `stride` bytes apart
 * @param headDim     a multiple of 4
 * @param offsets     i32, where each sequence begins, and the end of the last
 * @param scratch     for each head 4 * (headDim * (8 + keys) + 8 * keys) bytes with `keys` 8 more than the longest sequence
 * @param begin, end  heads
 */
export function attendPacked(
  qkv: usize, stride: usize, bias: usize, out: usize, heads: i32, headDim: i32,
  offsets: usize, sequences: i32, scratch: usize, scratchBytes: usize,
  begin: i32, end: i32,
): void {
  const part = scratch + <usize>begin * scratchBytes
  const rows = <usize>(heads * headDim)
  const scale: f32 = 1 / sqrt<f32>(<f32>headDim)
  for (let head = begin; head < end; head++) {
    const row = <usize>(head * headDim)
    const at = row * stride
    for (let s = offsets; s != offsets + (<usize>sequences << 2); s += 4) {
      const first = <usize>load<i32>(s) << 2
      const keys = load<i32>(s, 4) - load<i32>(s)
      const q = qkv + at + first
      sequence(q, q + rows * stride, q + 2 * rows * stride, stride, bias + (row << 2), bias + ((row + 2 * rows) << 2), out + at + first, keys, headDim, scale, part)
    }
  }
}

/** One head of one sequence. */
function sequence(
  q: usize, k: usize, v: usize, stride: usize, qBias: usize, vBias: usize, out: usize,
  keys: i32, headDim: i32, scale: f32, scratch: usize,
): void {
  const panel = scratch
  const values = panel + <usize>headDim * QUERIES
  const scores = values + (<usize>((keys + 3) & ~3) * <usize>headDim << 2)
  turnValues(v, stride, keys, headDim, values)
  const bytes = <usize>keys << 2
  for (let query: usize = 0; query < bytes; query += QUERIES) {
    packQueries(q + query, stride, headDim, qBias, scale, panel)
    let to = scores
    for (let key: usize = 0; key < bytes; key += KEYS << 2, to += KEYS * QUERIES) scoreKeys(k + key, stride, panel, panel + <usize>headDim * QUERIES, to)
    const end = scores + <usize>keys * QUERIES
    softmax(scores, end)
    softmax(scores + 16, end + 16)
    weigh(scores, end, values, headDim, vBias, out + query, stride)
  }
}

/** Values as [key][headDim]. */
// @ts-ignore: decorator
@inline function turnValues(v: usize, stride: usize, keys: i32, headDim: i32, to: usize): void {
  const rowBytes = <usize>headDim << 2
  for (let d: usize = 0; d < rowBytes; d += 16, v += 4 * stride) {
    let target = to + d
    for (let key: usize = 0; key < <usize>keys << 2; key += 16, target += 4 * rowBytes) transpose4(v + key, stride, target, rowBytes)
  }
}

// @ts-ignore: decorator
@inline function packQueries(q: usize, stride: usize, headDim: i32, bias: usize, scale: f32, panel: usize): void {
  const factor = f32x4.splat(scale)
  for (const end = panel + <usize>headDim * QUERIES; panel != end; panel += QUERIES, q += stride, bias += 4) {
    const b = v128.load32_splat(bias)
    v128.store(panel, f32x4.mul(factor, f32x4.add(v128.load(q), b)))
    v128.store(panel, f32x4.mul(factor, f32x4.add(v128.load(q, 16), b)), 16)
  }
}

/** Scores of 6 keys and 8 queries. */
function scoreKeys(k: usize, stride: usize, panel: usize, panelEnd: usize, to: usize): void {
  let x0 = f32x4.splat(0)
  let y0 = f32x4.splat(0)
  let x1 = f32x4.splat(0)
  let y1 = f32x4.splat(0)
  let x2 = f32x4.splat(0)
  let y2 = f32x4.splat(0)
  let x3 = f32x4.splat(0)
  let y3 = f32x4.splat(0)
  let x4 = f32x4.splat(0)
  let y4 = f32x4.splat(0)
  let x5 = f32x4.splat(0)
  let y5 = f32x4.splat(0)
  do {
    const x = v128.load(panel)
    const y = v128.load(panel, 16)
    let w = v128.load32_splat(k)
    x0 = madd(w, x, x0)
    y0 = madd(w, y, y0)
    w = v128.load32_splat(k, 4)
    x1 = madd(w, x, x1)
    y1 = madd(w, y, y1)
    w = v128.load32_splat(k, 8)
    x2 = madd(w, x, x2)
    y2 = madd(w, y, y2)
    w = v128.load32_splat(k, 12)
    x3 = madd(w, x, x3)
    y3 = madd(w, y, y3)
    w = v128.load32_splat(k, 16)
    x4 = madd(w, x, x4)
    y4 = madd(w, y, y4)
    w = v128.load32_splat(k, 20)
    x5 = madd(w, x, x5)
    y5 = madd(w, y, y5)
    k += stride
    panel += QUERIES
  } while (panel != panelEnd)
  v128.store(to, x0)
  v128.store(to, y0, 16)
  v128.store(to, x1, 32)
  v128.store(to, y1, 48)
  v128.store(to, x2, 64)
  v128.store(to, y2, 80)
  v128.store(to, x3, 96)
  v128.store(to, y3, 112)
  v128.store(to, x4, 128)
  v128.store(to, y4, 144)
  v128.store(to, x5, 160)
  v128.store(to, y5, 176)
}

/** Scores of 4 queries become weights whose sum is 1. */
function softmax(scores: usize, end: usize): void {
  const zero = f32x4.splat(<f32>(end - scores) * 0)
  const log2e = LOG2E(zero)
  const shift = SHIFT(zero)
  const ln2 = MINUS_LN2(zero)
  const least = LEAST(zero)
  const one = ONE(zero)
  const c2 = C2(zero)
  const c3 = C3(zero)
  const c4 = C4(zero)
  const c5 = C5(zero)
  let largest = v128.load(scores)
  for (let p = scores; p != end; p += QUERIES) largest = f32x4.pmax(largest, v128.load(p))
  let total = f32x4.splat(0)
  for (let p = scores; p != end; p += QUERIES) {
    const weight = exp(f32x4.sub(v128.load(p), largest), log2e, shift, ln2, least, one, c2, c3, c4, c5)
    v128.store(p, weight)
    total = f32x4.add(total, weight)
  }
  const inverse = f32x4.div(one, total)
  for (let p = scores; p != end; p += QUERIES) v128.store(p, f32x4.mul(v128.load(p), inverse))
}

/** Weighted sums of values plus the bias, for 8 queries: tiles of 6 and 4 features. */
// @ts-ignore: decorator
@inline function weigh(scores: usize, end: usize, values: usize, headDim: i32, bias: usize, out: usize, stride: usize): void {
  const rowBytes = <usize>headDim << 2
  // 4 | headDim: as many sixes as leave a multiple of 4.
  const sixes = (headDim / 12) << 1
  for (let i = 0; i < sixes; i++, values += 24, bias += 24, out += 6 * stride) weighFeatures(true, scores, end, values, rowBytes, bias, out, stride)
  for (let i = 6 * sixes; i < headDim; i += 4, values += 16, bias += 16, out += 4 * stride) weighFeatures(false, scores, end, values, rowBytes, bias, out, stride)
}

// @ts-ignore: decorator
@inline function weighFeatures(six: bool, scores: usize, end: usize, values: usize, rowBytes: usize, bias: usize, out: usize, stride: usize): void {
  let x0 = v128.load32_splat(bias)
  let y0 = x0
  let x1 = v128.load32_splat(bias, 4)
  let y1 = x1
  let x2 = v128.load32_splat(bias, 8)
  let y2 = x2
  let x3 = v128.load32_splat(bias, 12)
  let y3 = x3
  let x4 = six ? v128.load32_splat(bias, 16) : x0
  let y4 = x4
  let x5 = six ? v128.load32_splat(bias, 20) : x0
  let y5 = x5
  for (let p = scores; p != end; p += QUERIES, values += rowBytes) {
    const x = v128.load(p)
    const y = v128.load(p, 16)
    let w = v128.load32_splat(values)
    x0 = madd(w, x, x0)
    y0 = madd(w, y, y0)
    w = v128.load32_splat(values, 4)
    x1 = madd(w, x, x1)
    y1 = madd(w, y, y1)
    w = v128.load32_splat(values, 8)
    x2 = madd(w, x, x2)
    y2 = madd(w, y, y2)
    w = v128.load32_splat(values, 12)
    x3 = madd(w, x, x3)
    y3 = madd(w, y, y3)
    if (six) {
      w = v128.load32_splat(values, 16)
      x4 = madd(w, x, x4)
      y4 = madd(w, y, y4)
      w = v128.load32_splat(values, 20)
      x5 = madd(w, x, x5)
      y5 = madd(w, y, y5)
    }
  }
  v128.store(out, x0)
  v128.store(out, y0, 16)
  out += stride
  v128.store(out, x1)
  v128.store(out, y1, 16)
  out += stride
  v128.store(out, x2)
  v128.store(out, y2, 16)
  out += stride
  v128.store(out, x3)
  v128.store(out, y3, 16)
  if (six) {
    out += stride
    v128.store(out, x4)
    v128.store(out, y4, 16)
    out += stride
    v128.store(out, x5)
    v128.store(out, y5, 16)
  }
}
