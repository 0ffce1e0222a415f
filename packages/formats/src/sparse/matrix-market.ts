import { type Csr, csr } from '@nnz/core'
import { type ByteSource, readAll } from '../bytes/byte-source.ts'
import { TextCursor } from '../bytes/text-cursor.ts'
import { MAX_ELEMENTS, mostColumns, sortRows } from './rows.ts'
import { ones, type PatternOptions } from './values.ts'

const FIELDS = ['real', 'double', 'integer', 'pattern']
const SYMMETRIES = ['general', 'symmetric', 'skew-symmetric']
/** A file may have empty rows, but a short file may not ask for an endless array of row offsets. */
const ROWS_ALWAYS_ALLOWED = 2 ** 12

/**
 * Reads a sparse matrix in Matrix Market format (Boisvert, Pozo and Remington, "The Matrix Market Exchange Formats",
 * NISTIR 5935): `coordinate`, with real, integer or pattern entries, general, symmetric or skew-symmetric. Symmetric
 * halves are written out. A pattern has no values: the options give them, in the order of the rows.
 * Explicit zeros stay entries. Closes the source.
 *
 * @throws FileFormatError, also for complex entries, for an entry that stands twice and for entries above the diagonal
 * of a symmetric matrix.
 */
export async function readMatrixMarket(
  source: ByteSource,
  { values: valuesOfPattern = ones }: PatternOptions = {},
): Promise<Csr> {
  const text = new TextCursor(await readAll(source), source.name)
  const { field, symmetry } = readBanner(text)
  while (text.peek() === '%' || text.peek() === '\n' || text.peek() === '\r') text.line()

  const rows = text.whole(MAX_ELEMENTS, 'the number of rows')
  const columns = text.whole(mostColumns(rows), 'the number of columns')
  const stored = text.whole(rows * columns, 'the number of entries')
  text.endOfLine()
  if (rows > Math.max(ROWS_ALWAYS_ALLOWED, source.size))
    text.fail(`${rows} rows are more than a file of ${source.size} bytes may have`)
  if (symmetry !== 'general' && rows !== columns)
    text.fail(`a ${symmetry} matrix must be square, got ${rows}x${columns}`)
  text.expectRoomFor(2 * stored, 'row and column indices')

  const start = text.offset
  const entryRows = new Uint32Array(stored)
  const entryColumns = new Uint32Array(stored)
  const entryValues = new Float32Array(stored)
  for (let i = 0; i < stored; i++) {
    text.skipSeparators()
    const entry = text.offset
    entryRows[i] = text.whole(rows, 'a row index') - 1
    entryColumns[i] = text.whole(columns, 'a column index') - 1
    if (entryRows[i] >= rows || entryColumns[i] >= columns) text.fail('indices begin at 1, got 0', entry)
    const above = entryColumns[i] > entryRows[i] || (symmetry === 'skew-symmetric' && entryColumns[i] === entryRows[i])
    if (symmetry !== 'general' && above) text.fail(`a ${symmetry} matrix stores only entries below its diagonal`, entry)
    if (field !== 'pattern') entryValues[i] = text.real('a value')
    text.endOfLine()
  }
  text.endOfFile()

  const mirrored = symmetry !== 'general'
  const rowOffsets = new Uint32Array(rows + 1)
  for (let i = 0; i < stored; i++) {
    rowOffsets[entryRows[i] + 1]++
    if (mirrored && entryRows[i] !== entryColumns[i]) rowOffsets[entryColumns[i] + 1]++
  }
  for (let row = 0; row < rows; row++) rowOffsets[row + 1] += rowOffsets[row]

  const nnz = rowOffsets[rows]
  const columnIndices = new Uint32Array(nnz)
  const values = new Float32Array(nnz)
  const next = rowOffsets.slice(0, rows)
  const place = (row: number, column: number, value: number): void => {
    columnIndices[next[row]] = column
    values[next[row]++] = value
  }
  for (let i = 0; i < stored; i++) {
    place(entryRows[i], entryColumns[i], entryValues[i])
    if (mirrored && entryRows[i] !== entryColumns[i])
      place(entryColumns[i], entryRows[i], symmetry === 'symmetric' ? entryValues[i] : -entryValues[i])
  }
  const repeated = sortRows(rowOffsets, columnIndices, values)
  if (repeated >= 0) text.fail(`column ${columnIndices[repeated] + 1} stands twice in one row`, start)
  return csr({
    shape: [rows, columns],
    rowOffsets,
    columnIndices,
    values: field === 'pattern' ? valuesOfPattern(nnz) : values,
  })
}

function readBanner(text: TextCursor): { field: string; symmetry: string } {
  const words = text.line().trim().toLowerCase().split(/\s+/)
  const [banner, object, format, field = '', symmetry = ''] = words
  if (banner !== '%%matrixmarket' || object !== 'matrix' || format !== 'coordinate' || words.length !== 5) {
    text.fail('expected the first line to be "%%MatrixMarket matrix coordinate <field> <symmetry>"', 0)
  }
  if (!FIELDS.includes(field))
    text.fail(`expected entries that are ${FIELDS.join(', ')}, got ${JSON.stringify(field.slice(0, 24))}`, 0)
  if (!SYMMETRIES.includes(symmetry)) {
    text.fail(`expected a symmetry of ${SYMMETRIES.join(', ')}, got ${JSON.stringify(symmetry.slice(0, 24))}`, 0)
  }
  return { field, symmetry }
}
