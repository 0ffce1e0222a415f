import type { Entries } from '@nnz/core'
import type { AnyNmWeights, NmProblem, NmWeights } from '../problem.ts'
import { columnsOf, type RegularRows, regularRows } from './regular-rows.ts'

/** The entries of the matrix that multiplies, row by row: of w, or of its transposed form. */
export function entriesOf(w: NmWeights, { operation }: NmProblem): Entries {
  if (operation === 'nmGemmTransposed') return transposedEntries(regularRows(w))
  return { ...entryArrays(w), values: w.values, order: undefined }
}

/** Offsets of the rows, and the column of each value, as csr has them. */
export function entryArrays(w: AnyNmWeights): { rowOffsets: Uint32Array; columnIndices: Uint32Array } {
  const { columns, entries } = columnsOf(w)
  return { rowOffsets: Uint32Array.from({ length: w.shape[0] + 1 }, (_, row) => row * entries), columnIndices: columns }
}

function transposedEntries({ shape: [, k], entries, columns, values }: RegularRows): Entries {
  const rowOffsets = new Uint32Array(k + 1)
  for (const column of columns) rowOffsets[column + 1]++
  for (let i = 0; i < k; i++) rowOffsets[i + 1] += rowOffsets[i]
  const next = rowOffsets.slice(0, k)
  const columnIndices = new Uint32Array(columns.length)
  const order = new Uint32Array(columns.length)
  for (let i = 0; i < columns.length; i++) {
    const to = next[columns[i]]++
    columnIndices[to] = Math.floor(i / entries)
    order[to] = i
  }
  return { rowOffsets, columnIndices, values: Float32Array.from(order, (at) => values[at]), order }
}
