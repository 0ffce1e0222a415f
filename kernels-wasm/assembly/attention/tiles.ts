// Register tiles of the products in attention: 6 rows x 2 vectors (12 chains) with the fused multiply-add, 5 x 2 without,
// since the product needs registers of its own. Rows that a tile lacks are computed on row 0 and stored there, before row 0.
import { madd } from '../lib/vector'

/** What a tile begins with. */
export const ZERO: i32 = 0
export const ADD: i32 = 1
/** The old value times a factor for each row. */
export const SCALE: i32 = 2

const SIX: bool = ASC_FEATURE_RELAXED_SIMD
/** Rows of the largest tile. */
export const ROWS: i32 = SIX ? 6 : 5

/**
 * `count` rows are cut into tiles of 6 and 5, without a weak tile at the end where that is possible: 64 = 9 x 6 + 2 x 5.
 * Returns how many tiles have 6 rows; all others have 5, the last one perhaps less.
 */
// @ts-ignore: decorator
@inline export function sixes(count: i32): i32 {
  if (!SIX) return 0
  const tiles = (count + 5) / 6
  return max(count - 5 * tiles, 0)
}

// @ts-ignore: decorator
@inline function first(mode: i32, c: usize, offset: usize, factor: v128): v128 {
  if (mode == ZERO) return f32x4.splat(0)
  const old = v128.load(c + offset)
  return mode == SCALE ? f32x4.mul(factor, old) : old
}

/**
 * C (rows of `width` vectors) = or += sum over k of A[row][k] B[k]. A's rows lie `aStride` bytes apart and are `aBytes` long.
 * The operand that is broadcast stands in rows.
 */
// @ts-ignore: decorator
@inline function byRows(
  six: bool,
  wide: bool,
  mode: i32,
  a: usize,
  aStride: usize,
  aBytes: usize,
  b: usize,
  bStride: usize,
  c: usize,
  cStride: usize,
  rows: i32,
): void {
  let a1 = rows > 1 ? a + aStride : a
  let a2 = rows > 2 ? a + 2 * aStride : a
  let a3 = rows > 3 ? a + 3 * aStride : a
  let a4 = rows > 4 ? a + 4 * aStride : a
  let a5 = a + 5 * aStride
  const c1 = rows > 1 ? c + cStride : c
  const c2 = rows > 2 ? c + 2 * cStride : c
  const c3 = rows > 3 ? c + 3 * cStride : c
  const c4 = rows > 4 ? c + 4 * cStride : c
  const c5 = c + 5 * cStride
  const none = f32x4.splat(0)
  let x0 = first(mode, c, 0, none)
  let y0 = wide ? first(mode, c, 16, none) : none
  let x1 = first(mode, c1, 0, none)
  let y1 = wide ? first(mode, c1, 16, none) : none
  let x2 = first(mode, c2, 0, none)
  let y2 = wide ? first(mode, c2, 16, none) : none
  let x3 = first(mode, c3, 0, none)
  let y3 = wide ? first(mode, c3, 16, none) : none
  let x4 = first(mode, c4, 0, none)
  let y4 = wide ? first(mode, c4, 16, none) : none
  let x5 = six ? first(mode, c5, 0, none) : none
  let y5 = six && wide ? first(mode, c5, 16, none) : none
  const end = a + aBytes
  do {
    const x = v128.load(b)
    const y = wide ? v128.load(b, 16) : x
    let w = v128.load32_splat(a)
    x0 = madd(w, x, x0)
    if (wide) y0 = madd(w, y, y0)
    w = v128.load32_splat(a1)
    x1 = madd(w, x, x1)
    if (wide) y1 = madd(w, y, y1)
    w = v128.load32_splat(a2)
    x2 = madd(w, x, x2)
    if (wide) y2 = madd(w, y, y2)
    w = v128.load32_splat(a3)
    x3 = madd(w, x, x3)
    if (wide) y3 = madd(w, y, y3)
    w = v128.load32_splat(a4)
    x4 = madd(w, x, x4)
    if (wide) y4 = madd(w, y, y4)
    if (six) {
      w = v128.load32_splat(a5)
      x5 = madd(w, x, x5)
      if (wide) y5 = madd(w, y, y5)
      a5 += 4
    }
    a += 4
    a1 += 4
    a2 += 4
    a3 += 4
    a4 += 4
    b += bStride
  } while (a != end)
  if (six) store(wide, c5, x5, y5)
  store(wide, c4, x4, y4)
  store(wide, c3, x3, y3)
  store(wide, c2, x2, y2)
  store(wide, c1, x1, y1)
  store(wide, c, x0, y0)
}

// @ts-ignore: decorator
@inline function store(wide: bool, c: usize, x: v128, y: v128): void {
  v128.store(c, x)
  if (wide) v128.store(c, y, 16)
}

/** As `byRows`, but A stands in columns: A[k] holds the rows side by side, and lies `aStride` bytes after A[k - 1]. */
// @ts-ignore: decorator
@inline function byColumns(
  six: bool,
  wide: bool,
  mode: i32,
  a: usize,
  aStride: usize,
  steps: i32,
  b: usize,
  bStride: usize,
  c: usize,
  cStride: usize,
  factors: usize,
  rows: i32,
): void {
  const c1 = rows > 1 ? c + cStride : c
  const c2 = rows > 2 ? c + 2 * cStride : c
  const c3 = rows > 3 ? c + 3 * cStride : c
  const c4 = rows > 4 ? c + 4 * cStride : c
  const c5 = c + 5 * cStride
  let f = v128.load32_splat(factors)
  let x0 = first(mode, c, 0, f)
  let y0 = wide ? first(mode, c, 16, f) : f
  f = v128.load32_splat(factors, 4)
  let x1 = first(mode, c1, 0, f)
  let y1 = wide ? first(mode, c1, 16, f) : f
  f = v128.load32_splat(factors, 8)
  let x2 = first(mode, c2, 0, f)
  let y2 = wide ? first(mode, c2, 16, f) : f
  f = v128.load32_splat(factors, 12)
  let x3 = first(mode, c3, 0, f)
  let y3 = wide ? first(mode, c3, 16, f) : f
  f = v128.load32_splat(factors, 16)
  let x4 = first(mode, c4, 0, f)
  let y4 = wide ? first(mode, c4, 16, f) : f
  f = v128.load32_splat(factors, 20)
  let x5 = six ? first(mode, c5, 0, f) : f
  let y5 = six && wide ? first(mode, c5, 16, f) : f
  const end = a + <usize>steps * aStride
  do {
    const x = v128.load(b)
    const y = wide ? v128.load(b, 16) : x
    let w = v128.load32_splat(a)
    x0 = madd(w, x, x0)
    if (wide) y0 = madd(w, y, y0)
    w = v128.load32_splat(a, 4)
    x1 = madd(w, x, x1)
    if (wide) y1 = madd(w, y, y1)
    w = v128.load32_splat(a, 8)
    x2 = madd(w, x, x2)
    if (wide) y2 = madd(w, y, y2)
    w = v128.load32_splat(a, 12)
    x3 = madd(w, x, x3)
    if (wide) y3 = madd(w, y, y3)
    w = v128.load32_splat(a, 16)
    x4 = madd(w, x, x4)
    if (wide) y4 = madd(w, y, y4)
    if (six) {
      w = v128.load32_splat(a, 20)
      x5 = madd(w, x, x5)
      if (wide) y5 = madd(w, y, y5)
    }
    a += aStride
    b += bStride
  } while (a != end)
  if (six) store(wide, c5, x5, y5)
  store(wide, c4, x4, y4)
  store(wide, c3, x3, y3)
  store(wide, c2, x2, y2)
  store(wide, c1, x1, y1)
  store(wide, c, x0, y0)
}

function rows6(mode: i32, a: usize, aStride: usize, aBytes: usize, b: usize, bStride: usize, c: usize, cStride: usize): void {
  byRows(true, true, mode, a, aStride, aBytes, b, bStride, c, cStride, 6)
}

function rows5(mode: i32, a: usize, aStride: usize, aBytes: usize, b: usize, bStride: usize, c: usize, cStride: usize, rows: i32): void {
  byRows(false, true, mode, a, aStride, aBytes, b, bStride, c, cStride, rows)
}

function narrowRows(mode: i32, a: usize, aStride: usize, aBytes: usize, b: usize, bStride: usize, c: usize, cStride: usize, rows: i32): void {
  byRows(false, false, mode, a, aStride, aBytes, b, bStride, c, cStride, rows)
}

function columns6(mode: i32, a: usize, aStride: usize, steps: i32, b: usize, bStride: usize, c: usize, cStride: usize, factors: usize): void {
  byColumns(true, true, mode, a, aStride, steps, b, bStride, c, cStride, factors, 6)
}

function columns5(mode: i32, a: usize, aStride: usize, steps: i32, b: usize, bStride: usize, c: usize, cStride: usize, factors: usize, rows: i32): void {
  byColumns(false, true, mode, a, aStride, steps, b, bStride, c, cStride, factors, rows)
}

function narrowColumns(mode: i32, a: usize, aStride: usize, steps: i32, b: usize, bStride: usize, c: usize, cStride: usize, factors: usize, rows: i32): void {
  byColumns(false, false, mode, a, aStride, steps, b, bStride, c, cStride, factors, rows)
}

/** Two vectors of C's columns for all `count` rows of A: see `byRows`. */
export function multiplyRows(
  mode: i32,
  a: usize,
  aStride: usize,
  aBytes: usize,
  b: usize,
  bStride: usize,
  c: usize,
  cStride: usize,
  count: i32,
): void {
  for (let left = sixes(count); left > 0; left--) {
    rows6(mode, a, aStride, aBytes, b, bStride, c, cStride)
    a += 6 * aStride
    c += 6 * cStride
    count -= 6
  }
  for (; count > 0; count -= 5) {
    rows5(mode, a, aStride, aBytes, b, bStride, c, cStride, min(count, 5))
    a += 5 * aStride
    c += 5 * cStride
  }
}

/** C += A B for all `vectors` vectors of C's columns and up to ROWS rows: see `byRows`. */
export function rowTile(
  a: usize,
  aStride: usize,
  aBytes: usize,
  b: usize,
  bStride: usize,
  c: usize,
  cStride: usize,
  rows: i32,
  vectors: i32,
): void {
  for (; vectors > 1; vectors -= 2, b += 32, c += 32) {
    if (SIX && rows == 6) rows6(ADD, a, aStride, aBytes, b, bStride, c, cStride)
    else rows5(ADD, a, aStride, aBytes, b, bStride, c, cStride, rows)
  }
  if (vectors > 0) {
    narrowRows(ADD, a, aStride, aBytes, b, bStride, c, cStride, min(rows, 5))
    // The narrow tile has five rows.
    if (SIX && rows == 6) narrowRows(ADD, a + 5 * aStride, aStride, aBytes, b, bStride, c + 5 * cStride, cStride, 1)
  }
}

/** All `vectors` vectors of C for the `rows` (ROWS at most) rows that stand side by side in A: see `byColumns`. */
export function multiplyColumns(
  mode: i32,
  a: usize,
  aStride: usize,
  steps: i32,
  b: usize,
  bStride: usize,
  c: usize,
  cStride: usize,
  factors: usize,
  rows: i32,
  vectors: i32,
): void {
  for (; vectors > 1; vectors -= 2, b += 32, c += 32) {
    if (SIX && rows == 6) columns6(mode, a, aStride, steps, b, bStride, c, cStride, factors)
    else columns5(mode, a, aStride, steps, b, bStride, c, cStride, factors, rows)
  }
  if (vectors > 0) {
    narrowColumns(mode, a, aStride, steps, b, bStride, c, cStride, factors, min(rows, 5))
    // The narrow tile has five rows.
    if (SIX && rows == 6) narrowColumns(mode, a + 20, aStride, steps, b, bStride, c + 5 * cStride, cStride, factors + 20, 1)
  }
}
