// The N mod 8 last columns of the dense GEMM. One tile of 6 rows has too few chains for them, so several k at once make up
// for it: taking several tiles at once would read A in several streams, which from memory is slower by half.
// A is [k][6 rows], C as in tiles.ts.
import { madd } from '../lib/vector'
import { row } from './tiles'

/** 6 rows x 4 columns; B is [k][4]. */
export function sixByFour(a: usize, b: usize, k: i32, c: usize, stride: usize, rows: i32, first: bool): void {
  let x0 = f32x4.splat(0)
  let x1 = x0
  let x2 = x0
  let x3 = x0
  let x4 = x0
  let x5 = x0
  let y0 = x0
  let y1 = x0
  let y2 = x0
  let y3 = x0
  let y4 = x0
  let y5 = x0
  for (const end = b + (<usize>(k >> 1) << 5); b < end; b += 32, a += 48) {
    let w = v128.load(b)
    x0 = madd(v128.load32_splat(a), w, x0)
    x1 = madd(v128.load32_splat(a, 4), w, x1)
    x2 = madd(v128.load32_splat(a, 8), w, x2)
    x3 = madd(v128.load32_splat(a, 12), w, x3)
    x4 = madd(v128.load32_splat(a, 16), w, x4)
    x5 = madd(v128.load32_splat(a, 20), w, x5)
    w = v128.load(b, 16)
    y0 = madd(v128.load32_splat(a, 24), w, y0)
    y1 = madd(v128.load32_splat(a, 28), w, y1)
    y2 = madd(v128.load32_splat(a, 32), w, y2)
    y3 = madd(v128.load32_splat(a, 36), w, y3)
    y4 = madd(v128.load32_splat(a, 40), w, y4)
    y5 = madd(v128.load32_splat(a, 44), w, y5)
  }
  if (k & 1) {
    const w = v128.load(b)
    x0 = madd(v128.load32_splat(a), w, x0)
    x1 = madd(v128.load32_splat(a, 4), w, x1)
    x2 = madd(v128.load32_splat(a, 8), w, x2)
    x3 = madd(v128.load32_splat(a, 12), w, x3)
    x4 = madd(v128.load32_splat(a, 16), w, x4)
    x5 = madd(v128.load32_splat(a, 20), w, x5)
  }
  x0 = f32x4.add(x0, y0)
  x1 = f32x4.add(x1, y1)
  x2 = f32x4.add(x2, y2)
  x3 = f32x4.add(x3, y3)
  x4 = f32x4.add(x4, y4)
  x5 = f32x4.add(x5, y5)
  const c1 = row(c, stride, 1, rows)
  const c2 = row(c, stride, 2, rows)
  const c3 = row(c, stride, 3, rows)
  const c4 = row(c, stride, 4, rows)
  const c5 = row(c, stride, 5, rows)
  if (!first) {
    x0 = f32x4.add(x0, v128.load(c))
    x1 = f32x4.add(x1, v128.load(c1))
    x2 = f32x4.add(x2, v128.load(c2))
    x3 = f32x4.add(x3, v128.load(c3))
    x4 = f32x4.add(x4, v128.load(c4))
    x5 = f32x4.add(x5, v128.load(c5))
  }
  v128.store(c5, x5)
  v128.store(c4, x4)
  v128.store(c3, x3)
  v128.store(c2, x2)
  v128.store(c1, x1)
  v128.store(c, x0)
}

/** 6 rows x 2 columns; B is [k][2]. A chain holds 2 rows x 2 columns of every fourth k. */
export function sixByTwo(a: usize, b: usize, k: i32, c: usize, stride: usize, rows: i32, first: bool): void {
  let u0 = f32x4.splat(0)
  let v0 = u0
  let w0 = u0
  let u1 = u0
  let v1 = u0
  let w1 = u0
  let u2 = u0
  let v2 = u0
  let w2 = u0
  let u3 = u0
  let v3 = u0
  let w3 = u0
  for (const end = b + (<usize>(k >> 2) << 5); b < end; b += 32, a += 96) {
    let both = v128.load(b)
    let x = i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7)
    u0 = madd(v128.load64_splat(a), x, u0)
    v0 = madd(v128.load64_splat(a, 8), x, v0)
    w0 = madd(v128.load64_splat(a, 16), x, w0)
    x = i8x16.shuffle(both, both, 8, 9, 10, 11, 8, 9, 10, 11, 12, 13, 14, 15, 12, 13, 14, 15)
    u1 = madd(v128.load64_splat(a, 24), x, u1)
    v1 = madd(v128.load64_splat(a, 32), x, v1)
    w1 = madd(v128.load64_splat(a, 40), x, w1)
    both = v128.load(b, 16)
    x = i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7)
    u2 = madd(v128.load64_splat(a, 48), x, u2)
    v2 = madd(v128.load64_splat(a, 56), x, v2)
    w2 = madd(v128.load64_splat(a, 64), x, w2)
    x = i8x16.shuffle(both, both, 8, 9, 10, 11, 8, 9, 10, 11, 12, 13, 14, 15, 12, 13, 14, 15)
    u3 = madd(v128.load64_splat(a, 72), x, u3)
    v3 = madd(v128.load64_splat(a, 80), x, v3)
    w3 = madd(v128.load64_splat(a, 88), x, w3)
  }
  for (let i = k & 3; i > 0; i--, b += 8, a += 24) {
    const both = v128.load64_zero(b)
    const x = i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7)
    u0 = madd(v128.load64_splat(a), x, u0)
    v0 = madd(v128.load64_splat(a, 8), x, v0)
    w0 = madd(v128.load64_splat(a, 16), x, w0)
  }
  u0 = f32x4.add(f32x4.add(u0, u1), f32x4.add(u2, u3))
  v0 = f32x4.add(f32x4.add(v0, v1), f32x4.add(v2, v3))
  w0 = f32x4.add(f32x4.add(w0, w1), f32x4.add(w2, w3))
  let x = i8x16.shuffle(u0, u0, 0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15)
  let y = i8x16.shuffle(v0, v0, 0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15)
  let z = i8x16.shuffle(w0, w0, 0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15)
  const c1 = row(c, stride, 1, rows)
  const c2 = row(c, stride, 2, rows)
  const c3 = row(c, stride, 3, rows)
  const c4 = row(c, stride, 4, rows)
  const c5 = row(c, stride, 5, rows)
  if (!first) {
    x = f32x4.add(x, v128.load64_lane(c1, v128.load64_zero(c), 1))
    y = f32x4.add(y, v128.load64_lane(c3, v128.load64_zero(c2), 1))
    z = f32x4.add(z, v128.load64_lane(c5, v128.load64_zero(c4), 1))
  }
  v128.store64_lane(c5, z, 1)
  v128.store64_lane(c4, z, 0)
  v128.store64_lane(c3, y, 1)
  v128.store64_lane(c2, y, 0)
  v128.store64_lane(c1, x, 1)
  v128.store64_lane(c, x, 0)
}

/**
 * 6 rows x 1 column; B is [k]. The packed rows of two k are three vectors without a spare lane,
 * (k; rows 0-3) (k; rows 4-5, k + 1; rows 0-1) (k + 1; rows 2-5): a chain for each, of every fourth pair.
 */
export function sixByOne(a: usize, b: usize, k: i32, c: usize, stride: usize, rows: i32, first: bool): void {
  let u0 = f32x4.splat(0)
  let v0 = u0
  let w0 = u0
  let u1 = u0
  let v1 = u0
  let w1 = u0
  let u2 = u0
  let v2 = u0
  let w2 = u0
  let u3 = u0
  let v3 = u0
  let w3 = u0
  for (const end = b + (<usize>(k >> 3) << 5); b < end; b += 32, a += 192) {
    let both = v128.load64_splat(b)
    u0 = madd(v128.load(a), i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3), u0)
    v0 = madd(v128.load(a, 16), i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7), v0)
    w0 = madd(v128.load(a, 32), i8x16.shuffle(both, both, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7), w0)
    both = v128.load64_splat(b, 8)
    u1 = madd(v128.load(a, 48), i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3), u1)
    v1 = madd(v128.load(a, 64), i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7), v1)
    w1 = madd(v128.load(a, 80), i8x16.shuffle(both, both, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7), w1)
    both = v128.load64_splat(b, 16)
    u2 = madd(v128.load(a, 96), i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3), u2)
    v2 = madd(v128.load(a, 112), i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7), v2)
    w2 = madd(v128.load(a, 128), i8x16.shuffle(both, both, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7), w2)
    both = v128.load64_splat(b, 24)
    u3 = madd(v128.load(a, 144), i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3), u3)
    v3 = madd(v128.load(a, 160), i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7), v3)
    w3 = madd(v128.load(a, 176), i8x16.shuffle(both, both, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7), w3)
  }
  for (let i = (k & 7) >> 1; i > 0; i--, b += 8, a += 48) {
    const both = v128.load64_splat(b)
    u0 = madd(v128.load(a), i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3), u0)
    v0 = madd(v128.load(a, 16), i8x16.shuffle(both, both, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7), v0)
    w0 = madd(v128.load(a, 32), i8x16.shuffle(both, both, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7), w0)
  }
  if (k & 1) {
    const x = v128.load32_splat(b)
    const y = i64x2.replace_lane(x, 1, 0) // its upper lanes meet the zeros of load64_zero: 0 x NaN must not arise
    u0 = madd(v128.load(a), x, u0)
    v0 = madd(v128.load64_zero(a, 16), y, v0)
  }
  const u = f32x4.add(f32x4.add(u0, u1), f32x4.add(u2, u3))
  const v = f32x4.add(f32x4.add(v0, v1), f32x4.add(v2, v3))
  const w = f32x4.add(f32x4.add(w0, w1), f32x4.add(w2, w3))
  const c1 = row(c, stride, 1, rows)
  const c2 = row(c, stride, 2, rows)
  const c3 = row(c, stride, 3, rows)
  const c4 = row(c, stride, 4, rows)
  const c5 = row(c, stride, 5, rows)
  let low = f32x4.add(u, i8x16.shuffle(v, w, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23))
  let high = f32x4.add(v, i8x16.shuffle(w, w, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  if (!first) {
    low = f32x4.add(low, v128.load32_lane(c3, v128.load32_lane(c2, v128.load32_lane(c1, v128.load32_zero(c), 1), 2), 3))
    high = f32x4.add(high, v128.load32_lane(c5, v128.load32_zero(c4), 1))
  }
  v128.store32_lane(c5, high, 1)
  v128.store32_lane(c4, high, 0)
  v128.store32_lane(c3, low, 3)
  v128.store32_lane(c2, low, 2)
  v128.store32_lane(c1, low, 1)
  v128.store32_lane(c, low, 0)
}
