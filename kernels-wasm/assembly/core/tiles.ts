// Register tiles of the dense GEMM for panels of 8 columns: C tile = (or, unless `first`, +=) A block x B block.
// A is [k][6 rows], B [k][8 columns]. Missing rows (their weights are packed as zeros) are computed too and
// stored at the address of row 0, before row 0.
import { madd } from '../lib/vector'

/** Address of a row of C; of row 0 if the row is at or beyond `rows`. */
// @ts-ignore: decorator
@inline export function row(c: usize, stride: usize, index: i32, rows: i32): usize {
  return index < rows ? c + <usize>index * stride : c
}

/** 6 rows x 8 columns: 12 chains in 15 registers. For the fused multiply-add. */
export function sixByEight(
  a: usize,
  aEnd: usize,
  b: usize,
  c: usize,
  stride: usize,
  rows: i32,
  first: bool,
): void {
  const c1 = row(c, stride, 1, rows)
  const c2 = row(c, stride, 2, rows)
  const c3 = row(c, stride, 3, rows)
  const c4 = row(c, stride, 4, rows)
  const c5 = row(c, stride, 5, rows)
  let x0 = f32x4.splat(0)
  let y0 = x0
  let x1 = x0
  let y1 = x0
  let x2 = x0
  let y2 = x0
  let x3 = x0
  let y3 = x0
  let x4 = x0
  let y4 = x0
  let x5 = x0
  let y5 = x0
  do {
    const x = v128.load(b)
    const y = v128.load(b, 16)
    let w = v128.load32_splat(a)
    x0 = madd(w, x, x0)
    y0 = madd(w, y, y0)
    w = v128.load32_splat(a, 4)
    x1 = madd(w, x, x1)
    y1 = madd(w, y, y1)
    w = v128.load32_splat(a, 8)
    x2 = madd(w, x, x2)
    y2 = madd(w, y, y2)
    w = v128.load32_splat(a, 12)
    x3 = madd(w, x, x3)
    y3 = madd(w, y, y3)
    w = v128.load32_splat(a, 16)
    x4 = madd(w, x, x4)
    y4 = madd(w, y, y4)
    w = v128.load32_splat(a, 20)
    x5 = madd(w, x, x5)
    y5 = madd(w, y, y5)
    b += 32
    a += 24
  } while (a != aEnd)
  if (!first) {
    x0 = f32x4.add(x0, v128.load(c))
    y0 = f32x4.add(y0, v128.load(c, 16))
    x1 = f32x4.add(x1, v128.load(c1))
    y1 = f32x4.add(y1, v128.load(c1, 16))
    x2 = f32x4.add(x2, v128.load(c2))
    y2 = f32x4.add(y2, v128.load(c2, 16))
    x3 = f32x4.add(x3, v128.load(c3))
    y3 = f32x4.add(y3, v128.load(c3, 16))
    x4 = f32x4.add(x4, v128.load(c4))
    y4 = f32x4.add(y4, v128.load(c4, 16))
    x5 = f32x4.add(x5, v128.load(c5))
    y5 = f32x4.add(y5, v128.load(c5, 16))
  }
  v128.store(c5, x5)
  v128.store(c5, y5, 16)
  v128.store(c4, x4)
  v128.store(c4, y4, 16)
  v128.store(c3, x3)
  v128.store(c3, y3, 16)
  v128.store(c2, x2)
  v128.store(c2, y2, 16)
  v128.store(c1, x1)
  v128.store(c1, y1, 16)
  v128.store(c, x0)
  v128.store(c, y0, 16)
}

/** 4 rows x 8 columns, weights of rows 0-1 at low, of rows 2-3 at high. For a separate multiply and add: the product needs a register that 6 rows do not leave. */
export function fourByEight(
  low: usize,
  high: usize,
  b: usize,
  bEnd: usize,
  c: usize,
  stride: usize,
  rows: i32,
  first: bool,
): void {
  const c1 = row(c, stride, 1, rows)
  const c2 = row(c, stride, 2, rows)
  const c3 = row(c, stride, 3, rows)
  let x0 = f32x4.splat(0)
  let y0 = x0
  let x1 = x0
  let y1 = x0
  let x2 = x0
  let y2 = x0
  let x3 = x0
  let y3 = x0
  do {
    const x = v128.load(b)
    const y = v128.load(b, 16)
    let w = v128.load32_splat(low)
    x0 = madd(w, x, x0)
    y0 = madd(w, y, y0)
    w = v128.load32_splat(low, 4)
    x1 = madd(w, x, x1)
    y1 = madd(w, y, y1)
    w = v128.load32_splat(high)
    x2 = madd(w, x, x2)
    y2 = madd(w, y, y2)
    w = v128.load32_splat(high, 4)
    x3 = madd(w, x, x3)
    y3 = madd(w, y, y3)
    b += 32
    low += 24
    high += 24
  } while (b != bEnd)
  if (!first) {
    x0 = f32x4.add(x0, v128.load(c))
    y0 = f32x4.add(y0, v128.load(c, 16))
    x1 = f32x4.add(x1, v128.load(c1))
    y1 = f32x4.add(y1, v128.load(c1, 16))
    x2 = f32x4.add(x2, v128.load(c2))
    y2 = f32x4.add(y2, v128.load(c2, 16))
    x3 = f32x4.add(x3, v128.load(c3))
    y3 = f32x4.add(y3, v128.load(c3, 16))
  }
  v128.store(c3, x3)
  v128.store(c3, y3, 16)
  v128.store(c2, x2)
  v128.store(c2, y2, 16)
  v128.store(c1, x1)
  v128.store(c1, y1, 16)
  v128.store(c, x0)
  v128.store(c, y0, 16)
}
