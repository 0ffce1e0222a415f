// Exponentials of rows, relative to their largest: what a softmax and the logarithm of a sum of exponentials need.
import { hoisted } from '../lib/hoisted'
import { madd, sum } from '../lib/vector'

/**
 * Replaces each row by e = exp(x - its largest). Exponents below -87 give 0.
 *
 * @param count   floats of a row, a multiple of 4
 * @param stride  bytes between rows
 * @param results three floats for each row: its largest, the sum of e, and the sum of e (x - its largest)
 */
export function exponentialRows(rows: usize, stride: usize, count: i32, results: usize, begin: i32, end: i32): void {
  for (let row = begin; row < end; row++) {
    const from = rows + <usize>row * stride
    const largest = largestOf(from, count)
    const to = results + <usize>row * 12
    store<f32>(to, largest)
    exponentials(from, count, largest, to + 4)
  }
}

function largestOf(p: usize, count: i32): f32 {
  const end = p + (<usize>count << 2)
  let most = v128.load(p)
  for (; p < end; p += 16) most = f32x4.pmax(most, v128.load(p))
  const pairs = f32x4.pmax(most, i8x16.shuffle(most, most, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1))
}

// e^a with a = n ln 2 + r in two steps, |r| <= 0.35, e^r by a polynomial of degree 6, as in lib/activation.ts. Two
// chains of four lanes for each sum.
function exponentials(p: usize, count: i32, largest: f32, sums: usize): void {
  const zero = f32x4.splat(<f32>count * 0)
  const one = hoisted(zero, 1)
  const shift = hoisted(zero, 12582912)
  const log2e = hoisted(zero, 1.44269504)
  const ln2High = hoisted(zero, -0.693359375)
  const ln2Low = hoisted(zero, 2.1219444e-4)
  const e2 = hoisted(zero, 0.5000000106)
  const e3 = hoisted(zero, 0.1666650746)
  const e4 = hoisted(zero, 0.04166617124)
  const e5 = hoisted(zero, 0.008370253966)
  const e6 = hoisted(zero, 0.001395281366)
  const least = hoisted(zero, -87)
  const offset = hoisted(zero, largest)
  let s0 = f32x4.splat(0)
  let s1 = s0
  let w0 = s0
  let w1 = s0
  for (const end = p + (<usize>count << 2); p < end; p += 16) {
    const x = f32x4.sub(v128.load(p), offset)
    const a = f32x4.pmax(x, least)
    const t = madd(a, log2e, shift)
    const n = f32x4.sub(t, shift)
    const r = madd(n, ln2Low, madd(n, ln2High, a))
    const r2 = f32x4.mul(r, r)
    const high = madd(r2, madd(r, e6, e5), madd(r, e4, e3))
    let e = madd(f32x4.mul(r2, r), high, madd(r2, e2, f32x4.add(r, one)))
    e = i32x4.add(e, i32x4.shl(t, 23))
    e = v128.and(e, f32x4.ge(x, least))
    v128.store(p, e)
    const next = f32x4.add(s0, e)
    s0 = s1
    s1 = next
    const weighted = madd(e, a, w0)
    w0 = w1
    w1 = weighted
  }
  store<f32>(sums, sum(f32x4.add(s0, s1)))
  store<f32>(sums, sum(f32x4.add(w0, w1)), 4)
}

/**
 * Replaces exponentials of a student by the slopes of a loss, `own * x - other * y`, and sums what the divergence needs.
 * See `next-token-loss.ts`.
 *
 * @param own, other factors of the student's and of the teacher's exponentials, one for each row
 */
export function blendRows(x: usize, y: usize, stride: usize, count: i32, own: usize, other: usize, begin: i32, end: i32): void {
  for (let row = begin; row < end; row++) {
    const offset = <usize>row * stride
    const a = v128.load32_splat(own + (<usize>row << 2))
    const b = v128.load32_splat(other + (<usize>row << 2))
    let q = y + offset
    for (let p = x + offset, last = p + (<usize>count << 2); p < last; p += 16, q += 16)
      v128.store(p, f32x4.sub(f32x4.mul(v128.load(p), a), f32x4.mul(v128.load(q), b)))
  }
}

/** Writes sum(y * x) of each row: how alike two rows are. */
export function dotRows(x: usize, y: usize, stride: usize, count: i32, results: usize, begin: i32, end: i32): void {
  for (let row = begin; row < end; row++) {
    const offset = <usize>row * stride
    let s0 = f32x4.splat(0)
    let s1 = s0
    let q = y + offset
    for (let p = x + offset, last = p + (<usize>count << 2); p < last; p += 16, q += 16) {
      const next = madd(v128.load(p), v128.load(q), s0)
      s0 = s1
      s1 = next
    }
    store<f32>(results + (<usize>row << 2), sum(f32x4.add(s0, s1)))
  }
}
