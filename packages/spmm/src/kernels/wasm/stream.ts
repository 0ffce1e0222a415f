import type { Entries } from '../entries.ts'
import type { PackedForm } from './stream-packing.ts'

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
 * Zen 4 (32 KB of L1), N = 128: at 50 % 128 columns reach 76 % of the peak and 256 reach 67; at 90 % both 63; at 95 % 55
 * and 59.
 */
export function streamShape(m: number, k: number, nnz: number): StreamShape {
  const density = nnz / Math.max(1, m * k)
  const kBlock = density > 0.2 ? 128 : density > 0.07 ? 192 : 384
  return { m, k, windowRows: WINDOW_ROWS, kBlock }
}

const HEADER = 4
const PAIR = 12
const SINGLE = 6

/** A stream; its form is described in kernels-wasm/assembly/spmm/panel.ts. */
export interface StreamGeometry extends StreamShape {
  /** Bytes of each window: what threads divide by. */
  readonly windowBytes: readonly number[]
}

/** Lays entries out as a stream: rows by falling count inside a (window, K block), so that loop exits are predicted. */
export function layOutStream(entries: Entries, shape: StreamShape): PackedForm<StreamGeometry> {
  const { m, k, windowRows, kBlock } = shape
  const { rowOffsets, columnIndices, values } = entries
  const windows = Math.ceil(m / windowRows)
  const kBlocks = Math.max(1, Math.ceil(k / kBlock))
  const segments = new Uint32Array(windows * kBlocks + 1)
  const valuePositions = new Uint32Array(columnIndices.length)
  const offsetPositions = new Uint32Array(columnIndices.length)
  // One (position, row, count) for each header.
  const headers: number[] = []
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
        headers.push(at, row, count)
        at += HEADER
        let i = next[top + row]
        for (const end = i + (count & ~1); i < end; i += 2, at += PAIR) {
          valuePositions[i] = at
          valuePositions[i + 1] = at + 4
          offsetPositions[i] = at + 8
          offsetPositions[i + 1] = at + 10
        }
        if (count & 1) {
          valuePositions[i] = at
          offsetPositions[i] = at + 4
          i++
          at += SINGLE
        }
        next[top + row] = i
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
    valuePositions,
    write(target) {
      for (let i = 0; i < headers.length; i += 3) {
        target[headers[i] >> 1] = headers[i + 1]
        target[(headers[i] >> 1) + 1] = headers[i + 2]
      }
      // Floats stand at even addresses only: they are written as two halves.
      const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
      for (let i = 0; i < columnIndices.length; i++) {
        const position = valuePositions[i] >> 1
        target[position] = bits[i]
        target[position + 1] = bits[i] >>> 16
        target[offsetPositions[i] >> 1] = (columnIndices[i] % kBlock) << 4
      }
    },
  }
}
