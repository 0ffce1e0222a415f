// Register tiles of the products in attention: 6 rows x 2 vectors (12 chains) with the fused multiply-add, 5 x 2 without,
// since the product needs registers of its own. Rows that a tile lacks are computed on row 0 and stored there, before row 0.
import { madd } from '../lib/vector'

/** Bytes between the rows of a chunk of scores: 64 lanes, and 8 more so that rows do not share the sets of the cache. */
export const STRIDE: usize = 288

/** What becomes of the old value of C. */
const ZERO: i32 = 0
const ADD: i32 = 1
/** It is multiplied by a factor for each row. */
const SCALE: i32 = 2

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
 * C (rows of two vectors, or of one) = or += sum over k of A[row][k] B[k]. A's rows lie `aStride` bytes apart and are `aBytes`
 * long. With `maximum`, the 8 numbers there become the maxima of themselves and of C's columns.
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
  maximum: usize,
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
  if (maximum != 0) {
    const x = f32x4.pmax(f32x4.pmax(f32x4.pmax(x0, x1), f32x4.pmax(x2, x3)), six ? f32x4.pmax(x4, x5) : x4)
    const y = f32x4.pmax(f32x4.pmax(f32x4.pmax(y0, y1), f32x4.pmax(y2, y3)), six ? f32x4.pmax(y4, y5) : y4)
    v128.store(maximum, f32x4.pmax(v128.load(maximum), x))
    v128.store(maximum, f32x4.pmax(v128.load(maximum, 16), y), 16)
  }
}

// @ts-ignore: decorator
@inline function store(wide: bool, c: usize, x: v128, y: v128): void {
  v128.store(c, x)
  if (wide) v128.store(c, y, 16)
}

// @ts-ignore: decorator
@inline function factor(mode: i32, factors: usize, offset: usize): v128 {
  return mode == SCALE ? v128.load32_splat(factors + offset) : f32x4.splat(0)
}

/** As `byRows`, but A stands in columns: row k of a chunk holds the rows of the tile side by side. */
// @ts-ignore: decorator
@inline function byColumns(
  six: bool,
  wide: bool,
  mode: i32,
  a: usize,
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
  let f = factor(mode, factors, 0)
  let x0 = first(mode, c, 0, f)
  let y0 = wide ? first(mode, c, 16, f) : f
  f = factor(mode, factors, 4)
  let x1 = first(mode, c1, 0, f)
  let y1 = wide ? first(mode, c1, 16, f) : f
  f = factor(mode, factors, 8)
  let x2 = first(mode, c2, 0, f)
  let y2 = wide ? first(mode, c2, 16, f) : f
  f = factor(mode, factors, 12)
  let x3 = first(mode, c3, 0, f)
  let y3 = wide ? first(mode, c3, 16, f) : f
  f = factor(mode, factors, 16)
  let x4 = first(mode, c4, 0, f)
  let y4 = wide ? first(mode, c4, 16, f) : f
  f = factor(mode, factors, 20)
  let x5 = six ? first(mode, c5, 0, f) : f
  let y5 = six && wide ? first(mode, c5, 16, f) : f
  const end = a + <usize>steps * STRIDE
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
    a += STRIDE
    b += bStride
  } while (a != end)
  if (six) store(wide, c5, x5, y5)
  store(wide, c4, x4, y4)
  store(wide, c3, x3, y3)
  store(wide, c2, x2, y2)
  store(wide, c1, x1, y1)
  store(wide, c, x0, y0)
}

function scores6(a: usize, aStride: usize, aBytes: usize, b: usize, c: usize, maximum: usize): void {
  byRows(true, true, ZERO, a, aStride, aBytes, b, 32, c, STRIDE, 6, maximum)
}

function scores5(a: usize, aStride: usize, aBytes: usize, b: usize, c: usize, rows: i32, maximum: usize): void {
  byRows(false, true, ZERO, a, aStride, aBytes, b, 32, c, STRIDE, rows, maximum)
}

/**
 * Scores of `keys` keys (rows of A) and the 8 queries of panel B, and their maxima: C [key][query]. See `byRows`.
 */
export function scoreRows(a: usize, aStride: usize, aBytes: usize, b: usize, c: usize, keys: i32, maximum: usize): void {
  for (let left = sixes(keys); left > 0; left--, keys -= 6) {
    scores6(a, aStride, aBytes, b, c, maximum)
    a += 6 * aStride
    c += 6 * STRIDE
  }
  for (; keys > 0; keys -= 5) {
    scores5(a, aStride, aBytes, b, c, min(keys, 5), maximum)
    a += 5 * aStride
    c += 5 * STRIDE
  }
}

function product6(a: usize, aStride: usize, aBytes: usize, b: usize, c: usize): void {
  byRows(true, true, ZERO, a, aStride, aBytes, b, 32, c, STRIDE, 6, 0)
}

function product5(a: usize, aStride: usize, aBytes: usize, b: usize, c: usize, rows: i32): void {
  byRows(false, true, ZERO, a, aStride, aBytes, b, 32, c, STRIDE, rows, 0)
}

/** As `scoreRows`, without maxima. */
export function productRows(a: usize, aStride: usize, aBytes: usize, b: usize, c: usize, keys: i32): void {
  for (let left = sixes(keys); left > 0; left--, keys -= 6) {
    product6(a, aStride, aBytes, b, c)
    a += 6 * aStride
    c += 6 * STRIDE
  }
  for (; keys > 0; keys -= 5) {
    product5(a, aStride, aBytes, b, c, min(keys, 5))
    a += 5 * aStride
    c += 5 * STRIDE
  }
}

function add6(a: usize, aBytes: usize, b: usize, bStride: usize, c: usize, cStride: usize): void {
  byRows(true, true, ADD, a, STRIDE, aBytes, b, bStride, c, cStride, 6, 0)
}

function add5(a: usize, aBytes: usize, b: usize, bStride: usize, c: usize, cStride: usize, rows: i32): void {
  byRows(false, true, ADD, a, STRIDE, aBytes, b, bStride, c, cStride, rows, 0)
}

function addNarrow(a: usize, aBytes: usize, b: usize, bStride: usize, c: usize, cStride: usize, rows: i32): void {
  byRows(false, false, ADD, a, STRIDE, aBytes, b, bStride, c, cStride, rows, 0)
}

/** C += A B for `rows` (6 or up to 5) rows of a chunk and all `vectors` vectors of C's columns: see `byRows`. */
export function addRows(
  a: usize,
  aBytes: usize,
  b: usize,
  bStride: usize,
  c: usize,
  cStride: usize,
  rows: i32,
  vectors: i32,
): void {
  for (; vectors > 1; vectors -= 2, b += 32, c += 32) {
    if (SIX && rows == 6) add6(a, aBytes, b, bStride, c, cStride)
    else add5(a, aBytes, b, bStride, c, cStride, rows)
  }
  if (vectors > 0) {
    addNarrow(a, aBytes, b, bStride, c, cStride, min(rows, 5))
    // The narrow tile has five rows.
    if (SIX && rows == 6) addNarrow(a + 5 * STRIDE, aBytes, b, bStride, c + 5 * cStride, cStride, 1)
  }
}

function scaleColumns6(a: usize, steps: i32, b: usize, bStride: usize, c: usize, cStride: usize, factors: usize): void {
  byColumns(true, true, SCALE, a, steps, b, bStride, c, cStride, factors, 6)
}

function scaleColumns5(a: usize, steps: i32, b: usize, bStride: usize, c: usize, cStride: usize, factors: usize, rows: i32): void {
  byColumns(false, true, SCALE, a, steps, b, bStride, c, cStride, factors, rows)
}

function scaleColumnsNarrow(a: usize, steps: i32, b: usize, bStride: usize, c: usize, cStride: usize, factors: usize, rows: i32): void {
  byColumns(false, false, SCALE, a, steps, b, bStride, c, cStride, factors, rows)
}

/** C = factors * C + A^T B for `rows` (6 or up to 5) neighbours in the rows of a chunk A: see `byColumns`. */
export function scaleColumns(
  a: usize,
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
    if (SIX && rows == 6) scaleColumns6(a, steps, b, bStride, c, cStride, factors)
    else scaleColumns5(a, steps, b, bStride, c, cStride, factors, rows)
  }
  if (vectors > 0) {
    scaleColumnsNarrow(a, steps, b, bStride, c, cStride, factors, min(rows, 5))
    if (SIX && rows == 6) scaleColumnsNarrow(a + 20, steps, b, bStride, c + 5 * cStride, cStride, factors + 20, 1)
  }
}

function addColumns6(a: usize, steps: i32, b: usize, bStride: usize, c: usize, cStride: usize): void {
  byColumns(true, true, ADD, a, steps, b, bStride, c, cStride, 0, 6)
}

function addColumns5(a: usize, steps: i32, b: usize, bStride: usize, c: usize, cStride: usize, rows: i32): void {
  byColumns(false, true, ADD, a, steps, b, bStride, c, cStride, 0, rows)
}

function addColumnsNarrow(a: usize, steps: i32, b: usize, bStride: usize, c: usize, cStride: usize, rows: i32): void {
  byColumns(false, false, ADD, a, steps, b, bStride, c, cStride, 0, rows)
}

/** C += A^T B, otherwise as `scaleColumns`. */
export function addColumns(
  a: usize,
  steps: i32,
  b: usize,
  bStride: usize,
  c: usize,
  cStride: usize,
  rows: i32,
  vectors: i32,
): void {
  for (; vectors > 1; vectors -= 2, b += 32, c += 32) {
    if (SIX && rows == 6) addColumns6(a, steps, b, bStride, c, cStride)
    else addColumns5(a, steps, b, bStride, c, cStride, rows)
  }
  if (vectors > 0) {
    addColumnsNarrow(a, steps, b, bStride, c, cStride, min(rows, 5))
    if (SIX && rows == 6) addColumnsNarrow(a + 20, steps, b, bStride, c + 5 * cStride, cStride, 1)
  }
}
