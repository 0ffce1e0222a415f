import { type Entries, reorder } from '@nnz/core'
import type { AnyWeights, SparseWeights } from '../problem.ts'

/** Where the stored elements of weights stand, whatever their values are. */
export type Structure = Omit<Entries, 'values'>

/** The structure, row by row with rising columns; elements of edge blocks beyond the shape are left out. */
export function structureOf(w: AnyWeights): Structure {
  if (w.layout === 'csr') return { rowOffsets: w.rowOffsets, columnIndices: w.columnIndices, order: undefined }
  const [rows, columns] = w.shape
  const [r, c] = w.blockShape
  const rowOffsets = new Uint32Array(rows + 1)
  const columnIndices = new Uint32Array(w.nnz)
  const order = new Uint32Array(w.nnz)
  let count = 0
  for (let row = 0; row < rows; row++) {
    const blockRow = Math.floor(row / r)
    for (let block = w.rowOffsets[blockRow]; block < w.rowOffsets[blockRow + 1]; block++) {
      const left = w.columnIndices[block] * c
      const from = (block * r + (row % r)) * c
      for (let i = 0; i < Math.min(c, columns - left); i++) {
        columnIndices[count] = left + i
        order[count++] = from + i
      }
    }
    rowOffsets[row + 1] = count
  }
  return { rowOffsets, columnIndices: columnIndices.slice(0, count), order: order.slice(0, count) }
}

/** The stored elements of a layout. */
export function entriesOf(w: SparseWeights): Entries {
  const structure = structureOf(w)
  return { ...structure, values: reorder(w.values, structure.order) }
}
