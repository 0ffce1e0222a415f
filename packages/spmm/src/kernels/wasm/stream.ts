import type { Entries, PackedForm } from '@nnz/core'

/** How a stream is cut; the microkernel `spmmCsr` gets the same numbers. */
export interface StreamShape {
  readonly m: number
  readonly k: number
  /** Rows of a window: their partial sums stay near each other while all K blocks pass. */
  readonly windowRows: number
  /** Columns of a K block: its rows of an X panel stay in L1. At most 4096, so that column * 16 fits into 16 bits. */
  readonly kBlock: number
}

const WINDOW_ROWS = 512

/**
 * Cuts for a matrix: few K blocks for few entries, since each block costs a load and a store of every sum. Measured on
 * Zen 4 (32 KB of L1), 3072x768, N = 128: at 50 % 160 columns reach 79 % of the peak, 256 reach 74; at 90 % 96, 160, 256
 * and 384 reach 60, 65, 68 and 67, and small N wants the widest (35 against 31 % at N = 4); at 95 % 192, 256 and 384 reach
 * 57, 60 and 62, 768 even 65, but only where L2 is nearly as fast as L1.
 */
export function streamShape(m: number, k: number, nnz: number): StreamShape {
  const density = nnz / Math.max(1, m * k)
  const kBlock = density > 0.2 ? 160 : density > 0.13 ? 256 : density > 0.03 ? 384 : 768
  return { m, k, windowRows: WINDOW_ROWS, kBlock }
}

const HEADER = 4
/** A record: four values and four offsets. */
const ENTRIES = 4
const RECORD = 24

/** A stream, 6.2 (50 %) to 6.7 (95 %) bytes for an entry; its form is described in kernels-wasm/assembly/spmm/panel.ts. */
export interface StreamGeometry extends StreamShape {
  /** Bytes of each window: what threads divide by. */
  readonly windowBytes: readonly number[]
}

/** The entries of one row in one K block. */
interface Run {
  /** Byte position of its header. */
  readonly at: number
  readonly row: number
  readonly first: number
  readonly count: number
  readonly block: number
}

/** Lays entries out as a stream: rows by falling count inside a (window, K block), so that loop exits are predicted. */
export function layOutStream(entries: Entries, shape: StreamShape): PackedForm<StreamGeometry> {
  const { m, k, windowRows, kBlock } = shape
  const { rowOffsets, columnIndices, values } = entries
  const windows = Math.ceil(m / windowRows)
  const kBlocks = Math.max(1, Math.ceil(k / kBlock))
  const segments = new Uint32Array(windows * kBlocks + 1)
  const runs: Run[] = []
  const next = rowOffsets.slice(0, m)
  const order = new Uint32Array(windowRows)
  const counts = new Uint32Array(windowRows)
  const rowsOfCount = new Uint32Array(kBlock + 2)
  let at = 0
  for (let window = 0; window < windows; window++) {
    const top = window * windowRows
    const rows = Math.min(windowRows, m - top)
    for (let block = 0; block < kBlocks; block++) {
      segments[window * kBlocks + block] = at
      const limit = (block + 1) * kBlock
      rowsOfCount.fill(0)
      for (let row = 0; row < rows; row++) {
        let i = next[top + row]
        for (const end = rowOffsets[top + row + 1]; i < end && columnIndices[i] < limit; i++);
        counts[row] = i - next[top + row]
        rowsOfCount[kBlock - counts[row] + 1]++
      }
      for (let i = 1; i < rowsOfCount.length; i++) rowsOfCount[i] += rowsOfCount[i - 1]
      for (let row = 0; row < rows; row++) order[rowsOfCount[kBlock - counts[row]]++] = row
      // The first block writes every row and the last one, too: sums start and end there.
      const all = block === 0 || block === kBlocks - 1
      for (let j = 0; j < rows; j++) {
        const row = order[j]
        const count = counts[row]
        if (count === 0 && !all) break
        runs.push({ at, row, first: next[top + row], count, block })
        at += HEADER + Math.ceil(count / ENTRIES) * RECORD
        next[top + row] += count
      }
    }
  }
  segments[segments.length - 1] = at
  return {
    bytes: at,
    geometry: {
      ...shape,
      windowBytes: Array.from({ length: windows }, (_, i) => segments[(i + 1) * kBlocks] - segments[i * kBlocks]),
    },
    tables: [segments],
    get valuePositions() {
      const positions = new Uint32Array(values.length)
      for (const { at, first, count } of runs) {
        for (let i = 0; i < count; i++) {
          const slot = i % ENTRIES
          positions[first + i] = at + HEADER + ((i - slot) / ENTRIES) * RECORD + slot * 4
        }
      }
      return positions
    },
    write(halves) {
      const words = new Uint32Array(halves.buffer, halves.byteOffset, halves.length >> 1)
      const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
      for (const { at, row, first, count, block } of runs) {
        words[at >> 2] = row | (count << 16)
        let word = (at + HEADER) >> 2
        let half = (at + HEADER + 4 * ENTRIES) >> 1
        for (let i = 0; i < count; i++) {
          words[word++] = bits[first + i]
          halves[half++] = (columnIndices[first + i] - block * kBlock) << 4
          if (i % ENTRIES === ENTRIES - 1) {
            word += (RECORD - 4 * ENTRIES) >> 2
            half += (RECORD - 2 * ENTRIES) >> 1
          }
        }
      }
    },
  }
}
