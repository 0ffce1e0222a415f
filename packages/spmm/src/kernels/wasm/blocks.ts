import type { Bsr, PackedForm } from '@nnz/core'

/** Blocks in runs of strips of two rows; the form is described in kernels-wasm/assembly/spmm/bsr.ts. */
export interface BlockGeometry {
  readonly blockRows: number
  readonly blockColumns: number
  /** Most blocks of a run. */
  readonly runBlocks: number
  /** Bytes of each block row: what threads divide by. */
  readonly rowBytes: readonly number[]
}

const STRIP = 2
/** Columns of a run: its rows of X, 96 bytes each in the widest panel, stay in L1 while the block row passes. */
const RUN_COLUMNS = 192
/** Bytes of a column of a strip. */
const PAIR = 8

/** Lays blocks out, run by run, in strips. */
export function layOutBlocks(w: Bsr): PackedForm<BlockGeometry> {
  const [m, k] = w.shape
  const [r, c] = w.blockShape
  const { rowOffsets, columnIndices, values } = w
  const count = rowOffsets.length - 1
  const runBlocks = Math.max(1, Math.floor(RUN_COLUMNS / c))
  const offsets = new Uint32Array(count)
  const rowBytes: number[] = []
  const valuePositions = new Uint32Array(values.length)
  let at = 0
  for (let blockRow = 0; blockRow < count; blockRow++) {
    offsets[blockRow] = at
    const rows = Math.min(r, m - blockRow * r)
    for (let first = rowOffsets[blockRow]; first < rowOffsets[blockRow + 1]; first += runBlocks) {
      const last = Math.min(first + runBlocks, rowOffsets[blockRow + 1])
      for (let top = 0; top < rows; top += STRIP) {
        for (let block = first; block < last; block++) {
          const columns = Math.min(c, k - columnIndices[block] * c)
          for (let row = top; row < Math.min(top + STRIP, rows); row++) {
            const from = (block * r + row) * c
            for (let j = 0; j < columns; j++) valuePositions[from + j] = at + j * PAIR + (row - top) * 4
          }
          at += columns * PAIR
        }
      }
    }
    rowBytes.push(at - offsets[blockRow])
  }
  // Elements of edge blocks beyond the shape have no place: what is written for them lands behind everything.
  const nowhere = at
  return {
    bytes: at + 4,
    geometry: { blockRows: r, blockColumns: c, runBlocks, rowBytes },
    tables: [offsets, rowOffsets, columnIndices],
    valuePositions: withoutEdges(w, valuePositions, nowhere),
    write(target) {
      const floats = new Float32Array(target.buffer, target.byteOffset, target.length >> 1)
      floats.fill(0)
      for (let i = 0; i < values.length; i++) floats[valuePositions[i] >> 2] = values[i]
    },
  }
}

function withoutEdges(
  { shape: [m, k], blockShape: [r, c], rowOffsets, columnIndices }: Bsr,
  positions: Uint32Array,
  nowhere: number,
): Uint32Array {
  for (let blockRow = 0; blockRow < rowOffsets.length - 1; blockRow++) {
    for (let block = rowOffsets[blockRow]; block < rowOffsets[blockRow + 1]; block++) {
      const columns = Math.min(c, k - columnIndices[block] * c)
      const rows = Math.min(r, m - blockRow * r)
      if (rows === r && columns === c) continue
      for (let i = 0; i < r * c; i++) if (i >= rows * c || i % c >= columns) positions[block * r * c + i] = nowhere
    }
  }
  return positions
}
