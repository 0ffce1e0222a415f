import { expectFloat32 } from '../compact/layout.ts'
import { describe, rangeError, typeError } from '../errors.ts'
import { toFloat32 } from '../tensor.ts'
import { checkLength, expectShape } from './checks.ts'
import type { NmRecord, NmRecordParts } from './nm-layout.ts'
import { packColumns, rowEntries, unpackColumns } from './nm-pattern.ts'

/** Rows and columns of W that one `mma.sp.m16n8k32` reads. */
const ROWS = 16
const COLUMNS = 32
/** Metadata words of such a tile. */
const WORDS = 16

/**
 * 2:4 weights as `mma.sp.m16n8k32` on 16-bit types reads them (PTX ISA, "Sparse matrix storage" and "Matrix fragments for
 * sparse mma.m16n8k32"), padded with zeros to tiles of 16 rows x 32 columns.
 */
export interface TensorCoreParts {
  readonly shape: readonly [rows: number, columns: number]
  /** Row-major, without the zeros: [rows up to a multiple of 16, half the columns up to a multiple of 32]. */
  readonly values: Float32Array
  /**
   * 16 words for each tile, tiles row-major. Word 2 q + h is for thread 4 q + h of the warp under sparsity selector 0 (4 q +
   * h + 2 under selector 1): its low half holds row q, its high half row q + 8, columns 16 h to 16 h + 15; in each half
   * four groups from the lowest bits on, and in each group two 2-bit columns, the lower one first.
   */
  readonly metadata: Uint32Array
}

function tilesOf([rows, columns]: readonly number[]): [number, number] {
  return [Math.ceil(rows / ROWS), Math.ceil(columns / COLUMNS)]
}

/** Word and first bit of the four bits of a group of four columns. */
function place(row: number, group: number, tileColumns: number): [number, number] {
  const tile = Math.floor(row / ROWS) * tileColumns + Math.floor(group / 8)
  const [inRow, inGroup] = [row % ROWS, group % 8]
  return [tile * WORDS + 2 * (inRow % 8) + (inGroup >> 2), (inRow >> 3) * 16 + (inGroup & 3) * 4]
}

/** Throws TypeError if the values are compact, RangeError if the weights are not 2:4. */
export function toTensorCore(w: NmRecord<'nm'>): TensorCoreParts {
  expectFloat32(w, 'nm', 'nm.toTensorCore')
  if (w.n !== 2 || w.m !== 4)
    throw rangeError('NNZ_VALUE', `nm.toTensorCore: sparse tensor cores read 2:4, these are ${w.n}:${w.m}`)
  const [rows, columns] = w.shape
  const [tileRows, tileColumns] = tilesOf(w.shape)
  const half = (tileColumns * COLUMNS) / 2
  const values = new Float32Array(tileRows * ROWS * half)
  // Groups beyond the matrix name columns 0 and 1: two equal ones are undefined behaviour.
  const metadata = new Uint32Array(tileRows * tileColumns * WORDS).fill(0x44444444)
  const stored = unpackColumns(w.indices, w)
  const entries = rowEntries(w)
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group * 4 < columns; group++) {
      const from = row * entries + 2 * group
      const count = Math.min(2, columns - group * 4)
      // A last group of one column stores one entry; its second one is a zero in the next column.
      const second = count === 2 ? stored[from + 1] % 4 : 1
      for (let i = 0; i < count; i++) values[row * half + 2 * group + i] = w.values[from + i]
      const [word, bit] = place(row, group, tileColumns)
      metadata[word] = (metadata[word] & ~(15 << bit)) | (((stored[from] % 4) | (second << 2)) << bit)
    }
  }
  return { shape: w.shape, values, metadata }
}

/**
 * The parts of the same weights as {@link nm}.
 *
 * @throws RangeError if lengths do not fit, or metadata do not name two rising columns
 */
export function fromTensorCore(parts: TensorCoreParts): NmRecordParts<'nm'> {
  const name = 'nm.fromTensorCore'
  if (typeof parts !== 'object' || parts === null)
    throw typeError('NNZ_TYPE', `${name}: expected an object, got ${describe(parts)}`)
  const shape = expectShape(parts.shape, name)
  const data = toFloat32(parts.values, `${name}: values`)
  const { metadata } = parts
  if (!(metadata instanceof Uint32Array))
    throw typeError('NNZ_TYPE', `${name}: metadata: expected a Uint32Array, got ${describe(metadata)}`)
  const [tileRows, tileColumns] = tilesOf(shape)
  const half = (tileColumns * COLUMNS) / 2
  checkLength(data, tileRows * ROWS * half, `${name}: values`)
  checkLength(metadata, tileRows * tileColumns * WORDS, `${name}: metadata`)
  const geometry = { shape, n: 2, m: 4, g: 1 }
  const [rows, columns] = shape
  const entries = rowEntries(geometry)
  const values = new Float32Array(rows * entries)
  const stored = new Uint32Array(rows * entries)
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group * 4 < columns; group++) {
      const [word, bit] = place(row, group, tileColumns)
      const pair = [(metadata[word] >>> bit) & 3, (metadata[word] >>> (bit + 2)) & 3]
      const count = Math.min(2, columns - group * 4)
      if (pair[1] <= pair[0] || group * 4 + pair[count - 1] >= columns) {
        throw rangeError(
          'NNZ_LAYOUT',
          `${name}: metadata[${word}]: row ${row}, columns from ${group * 4}: expected two rising columns inside the matrix, got ${pair.join(', ')}`,
        )
      }
      for (let i = 0; i < count; i++) {
        values[row * entries + 2 * group + i] = data[row * half + 2 * group + i]
        stored[row * entries + 2 * group + i] = group * 4 + pair[i]
      }
    }
  }
  return { shape, n: 2, m: 4, values, indices: packColumns(stored, geometry) }
}
