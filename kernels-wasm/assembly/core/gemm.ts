// Dense f32 GEMM, C[M, N] = A[M, K] B[K, N], on packed operands (formats in pack.ts).
//
// K is cut into blocks of about 256, and packed operands are stored block after block: within a block the tiles of A are one
// long stream, which the prefetchers follow from memory, and a panel of B (8 KB) stays in L1. Without the cut, or with blocks
// of one tile far apart, the rate fell from 95 to 50..90 % of the peak wherever A did not fit L2.
import { sixByFour, sixByOne, sixByTwo } from './narrow'
import { depthOf } from './pack'
import { fourByEight, sixByEight } from './tiles'

/** Tiles that each panel meets before the next panel comes: at most 384 KB of A, so that they are in L2 by then. Even. */
const GROUP: i32 = 64

/**
 * C = A B; C is overwritten in its M x N elements and nowhere else.
 * c: row-major, cStride bytes between its rows; a: from gemmPackA; b: from gemmPackB. M, N, K >= 0.
 * [begin, end): row tiles, of ceil(M / 6).
 */
export function gemm(
  c: usize,
  cStride: usize,
  a: usize,
  b: usize,
  m: i32,
  n: i32,
  k: i32,
  begin: i32,
  end: i32,
): void {
  if (k == 0) {
    for (let i = 6 * begin; i < min(6 * end, m); i++) memory.fill(c + <usize>i * cStride, 0, <usize>n << 2)
    return
  }
  const blockTiles = <usize>((m + 5) / 6) * 24
  const depth = depthOf(k)
  for (let k0 = 0; k0 < k; k0 += depth) {
    const kc = min(depth, k - k0)
    const tileBytes = <usize>kc * 24
    const block = a + <usize>k0 * blockTiles
    const panels = b + ((<usize>k0 * <usize>n) << 2)
    for (let tile = begin; tile < end; tile += GROUP) {
      const tiles = min(GROUP, end - tile)
      const at = block + <usize>tile * tileBytes
      const ct = c + <usize>(tile * 6) * cStride
      wholePanels(ct, cStride, at, tileBytes, tiles, panels, m - tile * 6, n, k0 == 0)
      lastColumns(ct, cStride, at, tileBytes, tiles, panels, m - tile * 6, n, kc, k0 == 0)
    }
  }
}

// @ts-ignore: decorator
@inline function wholePanels(
  c: usize,
  cStride: usize,
  a: usize,
  tileBytes: usize,
  tiles: i32,
  b: usize,
  rows: i32,
  n: i32,
  first: bool,
): void {
  const panelBytes = (tileBytes / 3) << 2
  for (const cEnd = c + (<usize>(n & ~7) << 2); c < cEnd; c += 32, b += panelBytes) {
    if (ASC_FEATURE_RELAXED_SIMD) {
      for (let t = 0; t < tiles; t++) {
        const at = a + <usize>t * tileBytes
        sixByEight(at, at + tileBytes, b, c + <usize>(6 * t) * cStride, cStride, rows - 6 * t, first)
      }
    } else {
      for (let t = 0; t < tiles; t += 2) {
        twoTilesByEight(a + <usize>t * tileBytes, tileBytes, tiles - t, b, b + panelBytes, c + <usize>(6 * t) * cStride, cStride, rows - 6 * t, first)
      }
    }
  }
}

/** 12 rows in strips of four; the middle strip is the end of one tile and the beginning of the next. */
// @ts-ignore: decorator
@inline function twoTilesByEight(
  a: usize,
  tileBytes: usize,
  tiles: i32,
  b: usize,
  bEnd: usize,
  c: usize,
  cStride: usize,
  rows: i32,
  first: bool,
): void {
  fourByEight(a, a + 8, b, bEnd, c, cStride, rows, first)
  if (rows <= 4) return
  const next = tiles > 1 ? a + tileBytes : a
  fourByEight(a + 16, next, b, bEnd, c + 4 * cStride, cStride, min(rows, 6 * tiles) - 4, first)
  if (tiles > 1 && rows > 8) fourByEight(next + 8, next + 16, b, bEnd, c + 8 * cStride, cStride, rows - 8, first)
}

/** The N mod 8 last columns, as panels of 4, 2 and 1. */
// @ts-ignore: decorator
@inline function lastColumns(
  c: usize,
  cStride: usize,
  a: usize,
  tileBytes: usize,
  tiles: i32,
  b: usize,
  rows: i32,
  n: i32,
  kc: i32,
  first: bool,
): void {
  const columnBytes = <usize>kc << 2
  let j = <usize>(n & ~7)
  for (let width = 4; width > 0; width >>= 1) {
    if (!(n & width)) continue
    const panel = b + j * columnBytes
    let at = a
    let ct = c + (j << 2)
    for (let t = 0; t < tiles; t++, at += tileBytes, ct += 6 * cStride) {
      const valid = rows - 6 * t
      if (width == 4) sixByFour(at, panel, kc, ct, cStride, valid, first)
      else if (width == 2) sixByTwo(at, panel, kc, ct, cStride, valid, first)
      else sixByOne(at, panel, kc, ct, cStride, valid, first)
    }
    j += width
  }
}
