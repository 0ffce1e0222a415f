import { balancedRanges, type Packing, type WasmBackend, WasmBlock } from '@nnz/core'
import type { SparseWeights } from '@nnz/spmm'
import { blockShapeOf } from '../../../entries.ts'

/** A pattern's offsets and indices in WASM memory, and its rows of blocks divided by their blocks. */
export class Structure implements Packing {
  readonly ranges: Int32Array
  /** Positions of values beyond the shape. */
  readonly outside: readonly number[]
  readonly #block: WasmBlock
  readonly #offsetBytes: number

  constructor(backend: WasmBackend, pattern: SparseWeights) {
    const { rowOffsets, columnIndices } = pattern
    this.outside = positionsOutside(pattern)
    this.#offsetBytes = rowOffsets.byteLength
    this.#block = new WasmBlock(backend, rowOffsets.byteLength + columnIndices.byteLength)
    const { buffer } = backend.memory.memory
    new Uint32Array(buffer, this.rowOffsets, rowOffsets.length).set(rowOffsets)
    new Uint32Array(buffer, this.columns, columnIndices.length).set(columnIndices)
    this.ranges = balancedRanges(
      rowOffsets.length - 1,
      backend.threads === 1 ? 1 : 4 * backend.threads,
      (row) => rowOffsets[row + 1] - rowOffsets[row] + 1,
    )
  }

  get rowOffsets(): number {
    return this.#block.address
  }

  get columns(): number {
    return this.#block.address + this.#offsetBytes
  }

  get bytes(): number {
    return this.#block.bytes
  }

  updateValues(): void {}

  dispose(): void {
    this.#block.dispose()
  }
}

function positionsOutside(pattern: SparseWeights): number[] {
  const { shape, rowOffsets, columnIndices } = pattern
  const [m, k] = shape
  const [r, c] = blockShapeOf(pattern)
  const positions: number[] = []
  for (let blockRow = 0; blockRow < rowOffsets.length - 1; blockRow++) {
    for (let block = rowOffsets[blockRow]; block < rowOffsets[blockRow + 1]; block++) {
      const rows = m - blockRow * r
      const columns = k - columnIndices[block] * c
      if (rows >= r && columns >= c) continue
      for (let i = 0; i < r * c; i++)
        if (Math.floor(i / c) >= rows || i % c >= columns) positions.push(block * r * c + i)
    }
  }
  return positions
}
