import { type Csr, csr } from '@nnz/core'
import { type ByteSource, readAll } from '../bytes/byte-source.ts'
import { TextCursor } from '../bytes/text-cursor.ts'
import { MAX_ELEMENTS, mostColumns, sortRows } from './rows.ts'
import { ones, type PatternOptions } from './values.ts'

/**
 * Reads the text format of the Deep Learning Matrix Collection (Gale et al., "Sparse GPU Kernels for Deep Learning",
 * arXiv 2006.10901): a line `rows, columns, nnz`, a line of row offsets, a line of column indices. The format has no
 * values: the options give them. Closes the source.
 *
 * @throws FileFormatError
 */
export async function readSmtx(source: ByteSource, { values = ones }: PatternOptions = {}): Promise<Csr> {
  const text = new TextCursor(await readAll(source), source.name)
  const rows = text.whole(MAX_ELEMENTS, 'the number of rows')
  const columns = text.whole(mostColumns(rows), 'the number of columns')
  const nnz = text.whole(rows * columns, 'the number of non-zeros')
  text.endOfLine()
  text.expectRoomFor(rows + 1 + nnz, 'row offsets and column indices')

  const rowOffsets = new Uint32Array(rows + 1)
  for (let row = 0; row <= rows; row++) {
    rowOffsets[row] = text.whole(nnz, 'a row offset')
    if (row > 0 && rowOffsets[row] < rowOffsets[row - 1])
      text.fail(`row offset ${row} is smaller than the one before it`)
  }
  if (rowOffsets[0] !== 0) text.fail(`expected the first row offset to be 0, got ${rowOffsets[0]}`)
  if (rowOffsets[rows] !== nnz)
    text.fail(`expected the last row offset to be ${nnz}, the number of non-zeros, got ${rowOffsets[rows]}`)
  text.endOfLine()

  const start = text.offset
  const columnIndices = new Uint32Array(nnz)
  for (let i = 0; i < nnz; i++) columnIndices[i] = text.whole(columns - 1, 'a column index')
  text.endOfFile()
  const repeated = sortRows(rowOffsets, columnIndices)
  if (repeated >= 0) text.fail(`column ${columnIndices[repeated]} stands twice in one row`, start)
  return csr({ shape: [rows, columns], rowOffsets, columnIndices, values: values(nnz) })
}
