import type { PackedForm } from '@nnz/core'
import { type Cut, cutRows, type RegularRows } from '../regular-rows.ts'

/** How a stream of rows is cut; the microkernel `nmRows` gets the same numbers. */
export interface RowGeometry extends Cut {
  readonly lastEntries: number
  /** Bytes of each window: what threads divide by. */
  readonly windowBytes: readonly number[]
}

/** Bytes of a row of a panel of X. */
const X_ROW = 128
const FOUR = 24
/** Columns of a K block: 128 rows of X take 16 KB of the L1; at most 511, so that column * 128 fits into 16 bits. */
export function rowBlockColumns(density: number): number {
  return density > 0.4 ? 128 : density > 0.2 ? 160 : density > 0.1 ? 256 : 384
}

/** Lays weights out as a stream of rows; the form is described in kernels-wasm/assembly/nm-gemm/rows.ts. */
export function layOutRows(w: RegularRows): PackedForm<RowGeometry> {
  const { shape, entries, columns, values, pattern } = w
  const m = shape[0]
  const cut = cutRows(w, rowBlockColumns(pattern.n / pattern.m))
  const { windowRows, kBlock, windows, kBlocks, blockEntries } = cut
  const lastEntries = entries - (kBlocks - 1) * blockEntries
  const fullBytes = Math.ceil(blockEntries / 4) * FOUR
  const lastBytes = Math.ceil(lastEntries / 4) * FOUR
  const rowBytes = (kBlocks - 1) * fullBytes + lastBytes
  const segments = new Uint32Array(windows * kBlocks + 1)
  for (let window = 0; window < windows; window++) {
    const rows = Math.min(windowRows, m - window * windowRows)
    for (let block = 0; block < kBlocks; block++)
      segments[window * kBlocks + block] = window * windowRows * rowBytes + block * rows * fullBytes
  }
  segments[segments.length - 1] = m * rowBytes

  /** Byte position of the first four of a row in a K block. */
  function start(row: number, block: number): number {
    const window = Math.floor(row / windowRows)
    return segments[window * kBlocks + block] + (row % windowRows) * (block === kBlocks - 1 ? lastBytes : fullBytes)
  }

  return {
    bytes: m * rowBytes,
    geometry: {
      ...cut,
      lastEntries,
      windowBytes: Array.from({ length: windows }, (_, i) => Math.min(windowRows, m - i * windowRows) * rowBytes),
    },
    tables: [segments],
    get valuePositions() {
      const positions = new Uint32Array(values.length)
      for (let row = 0, entry = 0; row < m; row++) {
        for (let block = 0; block < kBlocks; block++) {
          const at = start(row, block)
          const count = block === kBlocks - 1 ? lastEntries : blockEntries
          for (let i = 0; i < count; i++) positions[entry++] = at + (i >> 2) * FOUR + (i & 3) * 4
        }
      }
      return positions
    },
    write(halves) {
      const words = new Float32Array(halves.buffer, halves.byteOffset, halves.length >> 1)
      halves.fill(0)
      for (let row = 0, entry = 0; row < m; row++) {
        for (let block = 0; block < kBlocks; block++) {
          const at = start(row, block)
          const count = block === kBlocks - 1 ? lastEntries : blockEntries
          const left = block * kBlock
          for (let i = 0; i < count; i++, entry++) {
            const four = at + (i >> 2) * FOUR
            words[(four >> 2) + (i & 3)] = values[entry]
            halves[(four >> 1) + 8 + (i & 3)] = (columns[entry] - left) * X_ROW
          }
        }
      }
    },
  }
}
