// Products at the entries of a csr pattern. The stream of a (row window, K block) holds, for each row with entries there:
//   u32 row in its window | entries << 16
//   u32 number of its first entry, in canonical order: those of one row and K block follow each other
//   fours of u16 offsets (8 bytes): column inside the K block * 16; the last four is filled up with a repeated offset
// so that results are written where they belong, whole vectors at once. Rows are sorted by their number of entries: the
// exits of the loops are predicted then.
import { fourDots, storeSome } from './dots'

/**
 * All runs of the stream p..end for one panel of V vectors.
 *
 * @param y    rows of the window, yStride bytes apart
 * @param out  one number for each entry
 * @param add  results are added to what stands there
 */
// @ts-ignore: decorator
@inline function runs(V: i32, never: i32, p: usize, end: usize, x: usize, y: usize, yStride: usize, out: usize, add: bool): void {
  while (p < end) {
    const header = load<u32>(p)
    const row = y + <usize>(header & 0xffff) * yStride
    let to = out + (<usize>load<u32>(p, 4) << 2)
    const y0 = v128.load(row)
    const y1 = V > 1 ? v128.load(row, 16) : y0
    const y2 = V > 2 ? v128.load(row, 32) : y0
    const y3 = V > 3 ? v128.load(row, 48) : y0
    const y4 = V > 4 ? v128.load(row, 64) : y0
    const y5 = V > 5 ? v128.load(row, 80) : y0
    const y6 = V > 6 ? v128.load(row, 96) : y0
    const y7 = V > 7 ? v128.load(row, 112) : y0
    p += 8
    const whole = p + (<usize>(header >> 18) << 3)
    while (p != whole) {
      const offsets = load<u64>(p)
      const sums = fourDots(
        V, never,
        x + <usize>(<u32>offsets & 0xffff) * V,
        x + <usize>(<u32>offsets >> 16) * V,
        x + <usize>(<u32>(offsets >> 32) & 0xffff) * V,
        x + <usize>(<u32>(offsets >> 48)) * V,
        y0, y1, y2, y3, y4, y5, y6, y7,
      )
      v128.store(to, add ? f32x4.add(v128.load(to), sums) : sums)
      p += 8
      to += 16
    }
    const rest = (header >> 16) & 3
    if (rest != 0) {
      const offsets = load<u64>(p)
      const sums = fourDots(
        V, never,
        x + <usize>(<u32>offsets & 0xffff) * V,
        x + <usize>(<u32>offsets >> 16) * V,
        x + <usize>(<u32>(offsets >> 32) & 0xffff) * V,
        x + <usize>(<u32>(offsets >> 48)) * V,
        y0, y1, y2, y3, y4, y5, y6, y7,
      )
      storeSome(to, sums, rest, add)
      p += 8
    }
  }
}

function runs1(never: i32, p: usize, end: usize, x: usize, y: usize, yStride: usize, out: usize, add: bool): void {
  runs(1, never, p, end, x, y, yStride, out, add)
}
function runs2(never: i32, p: usize, end: usize, x: usize, y: usize, yStride: usize, out: usize, add: bool): void {
  runs(2, never, p, end, x, y, yStride, out, add)
}
function runs3(never: i32, p: usize, end: usize, x: usize, y: usize, yStride: usize, out: usize, add: bool): void {
  runs(3, never, p, end, x, y, yStride, out, add)
}
function runs4(never: i32, p: usize, end: usize, x: usize, y: usize, yStride: usize, out: usize, add: bool): void {
  runs(4, never, p, end, x, y, yStride, out, add)
}
function runs5(never: i32, p: usize, end: usize, x: usize, y: usize, yStride: usize, out: usize, add: bool): void {
  runs(5, never, p, end, x, y, yStride, out, add)
}
function runs6(never: i32, p: usize, end: usize, x: usize, y: usize, yStride: usize, out: usize, add: bool): void {
  runs(6, never, p, end, x, y, yStride, out, add)
}
function runs7(never: i32, p: usize, end: usize, x: usize, y: usize, yStride: usize, out: usize, add: bool): void {
  runs(7, never, p, end, x, y, yStride, out, add)
}
function runs8(never: i32, p: usize, end: usize, x: usize, y: usize, yStride: usize, out: usize, add: bool): void {
  runs(8, never, p, end, x, y, yStride, out, add)
}

function runsTimesPanel(
  vectors: i32, never: i32, p: usize, end: usize, x: usize, y: usize, yStride: usize, out: usize, add: bool,
): void {
  switch (vectors) {
    case 1: return runs1(never, p, end, x, y, yStride, out, add)
    case 2: return runs2(never, p, end, x, y, yStride, out, add)
    case 3: return runs3(never, p, end, x, y, yStride, out, add)
    case 4: return runs4(never, p, end, x, y, yStride, out, add)
    case 5: return runs5(never, p, end, x, y, yStride, out, add)
    case 6: return runs6(never, p, end, x, y, yStride, out, add)
    case 7: return runs7(never, p, end, x, y, yStride, out, add)
    default: return runs8(never, p, end, x, y, yStride, out, add)
  }
}

/** Brings a range to L2 as one stream: fetched in the order of the runs it comes slower. */
// @ts-ignore: decorator
@inline function touch(from: usize, to: usize): void {
  for (; from < to; from += 64) load<u8>(from)
}

/**
 * out[e] = Y[row of e] . X[column of e] for every entry e of the pattern.
 *
 * @param stream, segments  u32 byte offset into the stream for each [window][K block], and one more: the end
 * @param y        rows of whole vectors, yStride bytes apart; with a yStride of 0 in panels, as x
 * @param x        panels of panelVectors (at most 8) vectors, as packPanels makes them
 * @param vectors  of a row of x and y, at least one
 * @param out      one f32 for each entry
 * @param entries  u32 first entry of each window, and one more: the end
 * @param accumulate  1: results are added to out, else 0
 * @param begin, end  windows
 */
export function sddmmCsr(
  stream: usize, segments: usize, entries: usize, m: i32, k: i32, windowRows: i32, kBlock: i32,
  y: usize, yStride: usize, x: usize, vectors: i32, panelVectors: i32, out: usize, accumulate: i32,
  begin: i32, end: i32,
): void {
  // Nothing but 0 or 1 is given, so this is 0, but no compiler knows.
  const never = accumulate >> 1
  const kBlocks = max(1, (k + kBlock - 1) / kBlock)
  const panelBytes = <usize>(panelVectors << 4)
  for (let window = begin; window < end; window++) {
    const range = entries + (<usize>window << 2)
    touch(out + (<usize>load<u32>(range) << 2), out + (<usize>load<u32>(range, 4) << 2))
    if (yStride != 0) {
      const top = <usize>(window * windowRows)
      const rows = <usize>min(windowRows, m - window * windowRows)
      if (yStride == <usize>vectors << 4) touch(y + top * yStride, y + (top + rows) * yStride)
    }
    for (let panel = 0; panel * panelVectors < vectors; panel++) {
      const width = min(panelVectors, vectors - panel * panelVectors)
      const rowBytes = <usize>(width << 4)
      const stride = yStride == 0 ? rowBytes : yStride
      const rows = y + <usize>panel * (yStride == 0 ? panelBytes * m : panelBytes) + <usize>(window * windowRows) * stride
      let xBlock = x + <usize>panel * panelBytes * k
      let segment = segments + <usize>(window * kBlocks << 2)
      for (let block = 0; block < kBlocks; block++) {
        const p = stream + load<u32>(segment)
        runsTimesPanel(width, never, p, stream + load<u32>(segment, 4), xBlock, rows, stride, out, panel != 0 || accumulate != 0)
        xBlock += <usize>kBlock * rowBytes
        segment += 4
      }
    }
  }
}
