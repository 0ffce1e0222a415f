// Packing of dense f32 operands for gemm. Strides are in bytes and may be anything, zero and negative included.
//
// K is cut into blocks of depthOf(K) and a shorter last one. Blocks follow each other:
//   A [M, K] -> [block][ceil(M / 6) tiles][k of the block][6 rows], rows beyond M are zeros:   ceil(M / 6) * 24 * K bytes.
//   B [K, N] -> [block][panel][k of the block][columns of the panel]:                          4 * K * N bytes.
//     Panels have 8 columns; the N mod 8 last columns are panels of 4, 2 and 1. Nothing is padded.
import { transpose4 } from '../lib/vector'

/** Depth of the K blocks: 256 at most, all blocks about as deep. */
export function depthOf(k: i32): i32 {
  const blocks = (k + 255) / 256
  return blocks > 1 ? (k + blocks - 1) / blocks : k
}

/** Packs A. [begin, end): row tiles, of ceil(M / 6). */
export function gemmPackA(
  target: usize,
  a: usize,
  rowStride: usize,
  columnStride: usize,
  m: i32,
  k: i32,
  begin: i32,
  end: i32,
): void {
  const depth = depthOf(k)
  const tiles = <usize>((m + 5) / 6)
  for (let k0 = 0; k0 < k; k0 += depth) {
    const kc = min(depth, k - k0)
    let to = target + (<usize>k0 * tiles + <usize>begin * <usize>kc) * 24
    for (let row = begin * 6; row < end * 6; row += 6, to += <usize>kc * 24) {
      packTile(to, a + <usize>row * rowStride + <usize>k0 * columnStride, rowStride, columnStride, m - row, kc)
    }
  }
}

function packTile(target: usize, a: usize, rowStride: usize, columnStride: usize, rows: i32, kc: i32): void {
  if (rows < 6) {
    memory.fill(target, 0, <usize>kc * 24)
    for (; rows > 0; rows--, a += rowStride, target += 4) gather(target, 24, a, columnStride, kc)
    return
  }
  for (const end = target + <usize>kc * 24; target < end; target += 24, a += columnStride) {
    store<f32>(target, load<f32>(a))
    store<f32>(target, load<f32>(a + rowStride), 4)
    store<f32>(target, load<f32>(a + 2 * rowStride), 8)
    store<f32>(target, load<f32>(a + 3 * rowStride), 12)
    store<f32>(target, load<f32>(a + 4 * rowStride), 16)
    store<f32>(target, load<f32>(a + 5 * rowStride), 20)
  }
}

/** Packs B. [begin, end): groups of 8 columns, of ceil(N / 8). */
export function gemmPackB(
  target: usize,
  b: usize,
  rowStride: usize,
  columnStride: usize,
  k: i32,
  n: i32,
  begin: i32,
  end: i32,
): void {
  const depth = depthOf(k)
  const whole = min(n >> 3, end)
  for (let k0 = 0; k0 < k; k0 += depth, b += <usize>depth * rowStride) {
    const kc = min(depth, k - k0)
    const columnBytes = <usize>kc << 2
    const to = target + ((<usize>k0 * <usize>n) << 2)
    const first = <usize>begin << 3
    if (columnStride == 4) copyPanels(to + first * columnBytes, b + (first << 2), rowStride, kc, whole - begin)
    else transposePanels(to + first * columnBytes, b + first * columnStride, rowStride, columnStride, kc, whole - begin)
    if (whole < end) lastPanels(to, b, rowStride, columnStride, kc, n)
  }
}

/** Row-major B: 16 rows at a time of two panels, so that a cache line is read whole and once, and 512 bytes are written. */
function copyPanels(target: usize, b: usize, rowStride: usize, kc: i32, panels: i32): void {
  const panelBytes = <usize>kc << 5
  for (let k = 0; k < kc; k += 16, target += 512, b += 16 * rowStride) {
    const bytes = <usize>min(16, kc - k) << 5
    let to = target
    let from = b
    for (let pair = panels >> 1; pair > 0; pair--, to += panelBytes << 1, from += 64) {
      let p = from
      for (let q = to; q < to + bytes; q += 32, p += rowStride) {
        copyEight(q, p)
        copyEight(q + panelBytes, p + 32)
      }
    }
    if (panels & 1) for (let q = to; q < to + bytes; q += 32, from += rowStride) copyEight(q, from)
  }
}

// @ts-ignore: decorator
@inline function copyEight(target: usize, source: usize): void {
  v128.store(target, v128.load(source))
  v128.store(target, v128.load(source, 16), 16)
}

/** Any other B; token-major ones (rowStride 4) in 4 x 4 transposes. */
function transposePanels(
  target: usize,
  b: usize,
  rowStride: usize,
  columnStride: usize,
  kc: i32,
  panels: i32,
): void {
  const fast = rowStride == 4 ? kc & ~3 : 0
  for (let panel = 0; panel < panels; panel++, b += 8 * columnStride) {
    let from = b
    for (let k = 0; k < fast; k += 4, from += 16, target += 128) {
      transpose4(from, columnStride, target, 32)
      transpose4(from + 4 * columnStride, columnStride, target + 16, 32)
    }
    for (let k = fast; k < kc; k++, from += rowStride, target += 32) gather(target, 4, from, columnStride, 8)
  }
}

function lastPanels(target: usize, b: usize, rowStride: usize, columnStride: usize, kc: i32, n: i32): void {
  let j = n & ~7
  for (let width = 4; width > 0; width >>= 1) {
    if (!(n & width)) continue
    const panel = target + ((<usize>j * <usize>kc) << 2)
    for (let i = 0; i < width; i++, j++) {
      gather(panel + (<usize>i << 2), <usize>width << 2, b + <usize>j * columnStride, rowStride, kc)
    }
  }
}

function gather(target: usize, targetStride: usize, source: usize, sourceStride: usize, count: i32): void {
  for (let i = 0; i < count; i++, target += targetStride, source += sourceStride) store<f32>(target, load<f32>(source))
}
