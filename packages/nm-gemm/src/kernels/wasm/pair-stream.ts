import type { PackedForm } from '@nnz/core'
import { type Cut, cutRows, type RegularRows } from '../regular-rows.ts'

/** How a stream of pairs is cut; the microkernel `nmPairs` gets the same numbers. */
export interface PairGeometry extends Cut {
  /** Bytes of each window: what threads divide by. */
  readonly windowBytes: readonly number[]
}

/** Bytes of a row of a panel of X. */
const X_ROW = 96
const HEADER = 8
const FOUR = 40
const TWO = 24

/** Columns of a K block: 192 rows of X take 18 KB of the L1; at most 682, so that column * 96 fits into 16 bits. */
export function pairBlockColumns(density: number): number {
  return density > 0.3 ? 192 : density > 0.1 ? 256 : 512
}

interface Pair {
  readonly low: number
  readonly high: number
  readonly shared: number
}

/** Lays weights out as a stream of row pairs; the form is described in kernels-wasm/assembly/nm-gemm/pairs.ts. */
export function layOutPairs(w: RegularRows): PackedForm<PairGeometry> {
  const { shape, pattern, entries, columns, values } = w
  const [m, k] = shape
  const cut = cutRows(w, pairBlockColumns(pattern.n / pattern.m))
  const { windowRows, kBlock, windows, kBlocks, blockEntries } = cut
  const segments = new Uint32Array(windows * kBlocks + 1)
  const firsts = [...Array.from({ length: kBlocks }, (_, block) => block * blockEntries), entries]
  const pieces: { at: number; low: number; high: number; top: number; block: number; shared: number }[] = []
  let at = 0
  for (let window = 0; window < windows; window++) {
    const top = window * windowRows
    const rows = Math.min(windowRows, m - top)
    for (let block = 0; block < kBlocks; block++) {
      segments[window * kBlocks + block] = at
      const [from, to] = [firsts[block], firsts[block + 1]]
      for (const { low, high, shared } of pairRows(
        w,
        top,
        rows,
        from,
        to,
        block * kBlock,
        Math.min(kBlock, k - block * kBlock),
      )) {
        pieces.push({ at, low, high, top, block, shared })
        const own = to - from - shared
        at += HEADER + Math.ceil(shared / 4) * FOUR + Math.ceil(own / 2) * TWO
      }
    }
  }
  segments[segments.length - 1] = at

  /** Calls back for each entry with its position in bytes: of the value, and of the offset. */
  function place(visit: (entry: number, value: number, offset: number, block: number) => void): void {
    for (const { at: start, low, high, top, block, shared } of pieces) {
      const last = firsts[block + 1]
      const [a, b] = [(top + low) * entries, (top + high) * entries]
      const ownStart = start + HEADER + Math.ceil(shared / 4) * FOUR
      let [i, j, both, ownA, ownB] = [firsts[block], firsts[block], 0, 0, 0]
      while (i < last || j < last) {
        const left = i < last ? columns[a + i] : Number.POSITIVE_INFINITY
        const right = j < last ? columns[b + j] : Number.POSITIVE_INFINITY
        if (left === right) {
          const four = start + HEADER + (both >> 2) * FOUR
          visit(a + i, four + 8 + (both & 3) * 8, four + (both & 3) * 2, block)
          if (low !== high) visit(b + j, four + 12 + (both & 3) * 8, -1, block)
          both++
          i++
          j++
        } else if (left < right) {
          const two = ownStart + (ownA >> 1) * TWO
          visit(a + i++, two + 8 + (ownA & 1) * 8, two + (ownA & 1) * 4, block)
          ownA++
        } else {
          const two = ownStart + (ownB >> 1) * TWO
          visit(b + j++, two + 12 + (ownB & 1) * 8, two + 2 + (ownB & 1) * 4, block)
          ownB++
        }
      }
    }
  }

  return {
    bytes: at,
    geometry: {
      ...cut,
      windowBytes: Array.from({ length: windows }, (_, i) => segments[(i + 1) * kBlocks] - segments[i * kBlocks]),
    },
    tables: [segments],
    get valuePositions() {
      const positions = new Uint32Array(values.length)
      place((entry, value) => {
        positions[entry] = value
      })
      return positions
    },
    write(halves) {
      const words = new Float32Array(halves.buffer, halves.byteOffset, halves.length >> 1)
      halves.fill(0)
      for (const { at: start, low, high, block, shared } of pieces) {
        halves.set([low, high, shared, firsts[block + 1] - firsts[block] - shared], start >> 1)
      }
      place((entry, value, offset, block) => {
        words[value >> 2] = values[entry]
        if (offset >= 0) halves[offset >> 1] = (columns[entry] - block * kBlock) * X_ROW
      })
    },
  }
}

/** Rows that look for partners among each other. */
const CHUNK = 64

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Pairs rows of a window: rows of one group, then each row with the one that shares most with it; those that share most first. */
function pairRows(
  { entries, columns, pattern: { g } }: RegularRows,
  top: number,
  rows: number,
  from: number,
  to: number,
  left: number,
  width: number,
): Pair[] {
  const pairs: Pair[] = []
  const lone: number[] = []
  for (let row = 0; row < rows; ) {
    const inGroup = Math.min(g - ((top + row) % g), rows - row)
    if (inGroup > 1) {
      pairs.push({ low: row, high: row + 1, shared: to - from })
      row += 2
    } else lone.push(row++)
  }
  const words = (width + 31) >> 5
  const masks = new Uint32Array(CHUNK * words)
  for (let first = 0; first < lone.length; first += CHUNK) {
    const chunk = lone.slice(first, first + CHUNK)
    masks.fill(0)
    for (let i = 0; i < chunk.length; i++) {
      const row = (top + chunk[i]) * entries
      for (let entry = row + from; entry < row + to; entry++) {
        const column = columns[entry] - left
        masks[i * words + (column >> 5)] |= 1 << (column & 31)
      }
    }
    const taken = new Uint8Array(chunk.length)
    for (let i = 0; i < chunk.length; i++) {
      if (taken[i]) continue
      let best = i
      let most = -1
      for (let j = i + 1; j < chunk.length; j++) {
        if (taken[j]) continue
        let shared = 0
        for (let word = 0; word < words; word++) shared += bitCount(masks[i * words + word] & masks[j * words + word])
        if (shared > most) {
          most = shared
          best = j
        }
      }
      taken[best] = 1
      pairs.push({ low: chunk[i], high: chunk[best], shared: best === i ? to - from : most })
    }
  }
  return pairs.sort((a, b) => b.shared - a.shared || a.low - b.low)
}
