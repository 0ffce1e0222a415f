/** Rows, columns, and elements of the dense matrix that a reader accepts at most: the limit of every layout of @nnz/core. */
export const MAX_ELEMENTS = 2 ** 31

/** The columns that a matrix of so many rows may have at most. */
export function mostColumns(rows: number): number {
  return Math.floor(MAX_ELEMENTS / Math.max(1, rows))
}

/**
 * Sorts the columns inside each row, and the values with them, in place.
 *
 * @returns the position of a column that a row holds twice, or -1.
 */
export function sortRows(rowOffsets: Uint32Array, columnIndices: Uint32Array, values?: Float32Array): number {
  for (let row = 0; row + 1 < rowOffsets.length; row++) {
    const start = rowOffsets[row]
    const end = rowOffsets[row + 1]
    if (!isRising(columnIndices, start, end)) {
      const columns = columnIndices.slice(start, end)
      const order = Uint32Array.from(columns, (_, i) => i).sort((a, b) => columns[a] - columns[b])
      const unsorted = values?.slice(start, end)
      for (let i = 0; i < order.length; i++) {
        columnIndices[start + i] = columns[order[i]]
        if (values && unsorted) values[start + i] = unsorted[order[i]]
      }
      for (let i = start + 1; i < end; i++) if (columnIndices[i] === columnIndices[i - 1]) return i
    }
  }
  return -1
}

function isRising(indices: Uint32Array, start: number, end: number): boolean {
  for (let i = start + 1; i < end; i++) if (indices[i] <= indices[i - 1]) return false
  return true
}
