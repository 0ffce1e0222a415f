import { type AnyValues, type Compact, compactFunctions, expectFloat32, toValues } from '../compact/layout.ts'
import { scaleGroups, UNSCALED } from '../compact/values.ts'
import { describe, rangeError, typeError } from '../errors.ts'
import { toFloat32 } from '../tensor.ts'
import * as checks from './checks.ts'
import { type Csr, csr } from './csr.ts'

/**
 * Block compressed sparse rows. Block row i holds blocks `rowOffsets[i] .. rowOffsets[i + 1]` in block columns
 * `columnIndices[…]`; block b is `values[b * r * c .. (b + 1) * r * c]`, row-major. Where the shape is not a multiple
 * of the block, the elements of edge blocks beyond the shape are ignored.
 */
export interface Bsr {
  readonly layout: 'bsr'
  readonly shape: readonly [rows: number, columns: number]
  readonly blockShape: readonly [rows: number, columns: number]
  readonly rowOffsets: Uint32Array
  readonly columnIndices: Uint32Array
  readonly values: Float32Array
  /** Stored elements: blocks times block area. */
  readonly nnz: number
}

/** A {@link Bsr} whose values are stored in a compact type. */
export type CompactBsr = Compact<Bsr>

/** The parts of a {@link Bsr}. */
export interface BsrParts {
  shape: readonly number[]
  blockShape: readonly number[]
  rowOffsets: ArrayLike<number>
  columnIndices: ArrayLike<number>
  values: ArrayLike<number>
}

function expectBlockShape(blockShape: unknown, name: string): readonly [number, number] {
  const [rows, columns] = checks.expectShape(blockShape, `${name}: blockShape`)
  if (rows === 0 || columns === 0)
    throw rangeError('NNZ_SHAPE', `${name}: expected a blockShape of at least 1x1, got ${rows}x${columns}`)
  return Object.freeze([rows, columns] as const)
}

function create(parts: Compact<BsrParts>): CompactBsr
function create(parts: BsrParts): Bsr
function create(parts: AnyValues<BsrParts>): Bsr | CompactBsr {
  if (typeof parts !== 'object' || parts === null)
    throw typeError('NNZ_TYPE', `bsr: expected an object, got ${describe(parts)}`)
  const shape = checks.expectShape(parts.shape, 'bsr')
  const record = {
    layout: 'bsr' as const,
    shape,
    blockShape: expectBlockShape(parts.blockShape, 'bsr'),
    rowOffsets: checks.toIndices(parts.rowOffsets, 'bsr: rowOffsets'),
    columnIndices: checks.toIndices(parts.columnIndices, 'bsr: columnIndices'),
    values: toValues(parts.values, shape, 'bsr: values'),
    nnz: parts.values.length,
  }
  validate(record as Bsr | CompactBsr)
  checks.checked.add(record)
  return Object.freeze(record) as Bsr | CompactBsr
}

function validate(w: Bsr | CompactBsr): void {
  checks.expectShape(w.shape, 'bsr')
  const [r, c] = expectBlockShape(w.blockShape, 'bsr')
  const blocks = w.columnIndices.length
  checks.checkLength(w.values, blocks * r * c, 'bsr: values')
  checks.checkOffsets(w.rowOffsets, Math.ceil(w.shape[0] / r), blocks, 'bsr: rowOffsets')
  checks.checkSortedIndices(w.rowOffsets, w.columnIndices, Math.ceil(w.shape[1] / c), 'bsr: columnIndices')
}

function fromDense(data: ArrayLike<number>, shape: readonly number[], blockShape: readonly number[]): Bsr {
  const [rows, columns] = checks.expectShape(shape, 'bsr.fromDense')
  const [r, c] = expectBlockShape(blockShape, 'bsr.fromDense')
  checks.expectDense(data, [rows, columns], 'bsr.fromDense')
  const source = toFloat32(data, 'bsr.fromDense')
  const blockRows = Math.ceil(rows / r)
  const blockColumns = Math.ceil(columns / c)
  const kept = new Uint8Array(blockRows * blockColumns)
  for (let row = 0; row < rows; row++) {
    const base = Math.floor(row / r) * blockColumns
    for (let block = 0, column = 0; block < blockColumns; block++) {
      for (const end = Math.min(columns, column + c); column < end; column++) {
        if (source[row * columns + column] !== 0) kept[base + block] = 1
      }
    }
  }
  const rowOffsets = new Uint32Array(blockRows + 1)
  for (let i = 0; i < kept.length; i++) rowOffsets[Math.floor(i / blockColumns) + 1] += kept[i]
  for (let i = 0; i < blockRows; i++) rowOffsets[i + 1] += rowOffsets[i]
  const columnIndices = new Uint32Array(rowOffsets[blockRows])
  const values = new Float32Array(columnIndices.length * r * c)
  for (let i = 0, block = 0; i < kept.length; i++) {
    if (kept[i] === 0) continue
    const top = Math.floor(i / blockColumns) * r
    const left = (i % blockColumns) * c
    columnIndices[block] = i % blockColumns
    for (let y = 0; y < Math.min(r, rows - top); y++) {
      const from = (top + y) * columns + left
      values.set(source.subarray(from, from + Math.min(c, columns - left)), (block * r + y) * c)
    }
    block++
  }
  return create({ shape: [rows, columns], blockShape: [r, c], rowOffsets, columnIndices, values })
}

function toDense(w: Bsr): Float32Array {
  expectFloat32(w, 'bsr', 'bsr.toDense')
  const [rows, columns] = w.shape
  const [r, c] = w.blockShape
  const dense = checks.denseArray(w.shape, 'bsr.toDense')
  for (let blockRow = 0; blockRow < w.rowOffsets.length - 1; blockRow++) {
    for (let block = w.rowOffsets[blockRow]; block < w.rowOffsets[blockRow + 1]; block++) {
      const left = w.columnIndices[block] * c
      for (let y = 0; y < Math.min(r, rows - blockRow * r); y++) {
        const from = (block * r + y) * c
        dense.set(w.values.subarray(from, from + Math.min(c, columns - left)), (blockRow * r + y) * columns + left)
      }
    }
  }
  return dense
}

function transpose(w: Bsr): Bsr {
  expectFloat32(w, 'bsr', 'bsr.transpose')
  const [r, c] = w.blockShape
  const blockRows = w.rowOffsets.length - 1
  const blockColumns = Math.ceil(w.shape[1] / c)
  const { offsets, indices, order } = checks.transposeCompressed(blockRows, blockColumns, w.rowOffsets, w.columnIndices)
  const values = new Float32Array(w.values.length)
  for (let block = 0; block < order.length; block++) {
    const from = order[block] * r * c
    const to = block * r * c
    for (let y = 0; y < r; y++) for (let x = 0; x < c; x++) values[to + x * r + y] = w.values[from + y * c + x]
  }
  return create({
    shape: [w.shape[1], w.shape[0]],
    blockShape: [c, r],
    rowOffsets: offsets,
    columnIndices: indices,
    values,
  })
}

function fromCsr(w: Csr, blockShape: readonly number[]): Bsr {
  expectFloat32(w, 'csr', 'bsr.fromCsr')
  const [rows, columns] = w.shape
  const [r, c] = expectBlockShape(blockShape, 'bsr.fromCsr')
  const blockRows = Math.ceil(rows / r)
  const rowOffsets = new Uint32Array(blockRows + 1)
  const columnIndices: number[] = []
  const seenIn = new Int32Array(Math.ceil(columns / c)).fill(-1)
  for (let blockRow = 0; blockRow < blockRows; blockRow++) {
    const found: number[] = []
    for (let i = w.rowOffsets[blockRow * r]; i < w.rowOffsets[Math.min(rows, blockRow * r + r)]; i++) {
      const column = Math.floor(w.columnIndices[i] / c)
      if (seenIn[column] === blockRow) continue
      seenIn[column] = blockRow
      found.push(column)
    }
    for (const column of found.sort((x, y) => x - y)) columnIndices.push(column)
    rowOffsets[blockRow + 1] = columnIndices.length
  }
  const values = new Float32Array(columnIndices.length * r * c)
  for (let row = 0; row < rows; row++) {
    const blockRow = Math.floor(row / r)
    let block = rowOffsets[blockRow]
    for (let i = w.rowOffsets[row]; i < w.rowOffsets[row + 1]; i++) {
      const column = w.columnIndices[i]
      while (columnIndices[block] < Math.floor(column / c)) block++
      values[(block * r + (row % r)) * c + (column % c)] = w.values[i]
    }
  }
  return create({ shape: w.shape, blockShape: [r, c], rowOffsets, columnIndices, values })
}

function toCsr(w: Bsr): Csr {
  expectFloat32(w, 'bsr', 'bsr.toCsr')
  const [rows, columns] = w.shape
  const [r, c] = w.blockShape
  const rowOffsets = new Uint32Array(rows + 1)
  const columnIndices = new Uint32Array(w.nnz)
  const values = new Float32Array(w.nnz)
  let nnz = 0
  for (let row = 0; row < rows; row++) {
    const blockRow = Math.floor(row / r)
    for (let block = w.rowOffsets[blockRow]; block < w.rowOffsets[blockRow + 1]; block++) {
      const left = w.columnIndices[block] * c
      for (let i = 0; i < Math.min(c, columns - left); i++) {
        const value = w.values[(block * r + (row % r)) * c + i]
        if (value === 0) continue
        columnIndices[nnz] = left + i
        values[nnz++] = value
      }
    }
    rowOffsets[row + 1] = nnz
  }
  return csr({ shape: w.shape, rowOffsets, columnIndices: columnIndices.slice(0, nnz), values: values.slice(0, nnz) })
}

function scaleIndices(w: Bsr | CompactBsr, groupColumns: number): Uint32Array {
  const [rows, columns] = w.shape
  const [r, c] = w.blockShape
  const groups = scaleGroups(columns, groupColumns)
  const indices = new Uint32Array(w.nnz).fill(UNSCALED)
  for (let blockRow = 0; blockRow < w.rowOffsets.length - 1; blockRow++) {
    for (let block = w.rowOffsets[blockRow]; block < w.rowOffsets[blockRow + 1]; block++) {
      const left = w.columnIndices[block] * c
      for (let y = 0; y < Math.min(r, rows - blockRow * r); y++) {
        const first = (blockRow * r + y) * groups
        const from = (block * r + y) * c
        for (let x = 0; x < Math.min(c, columns - left); x++)
          indices[from + x] = first + Math.floor((left + x) / groupColumns)
      }
    }
  }
  return indices
}

/**
 * Block compressed sparse rows with blocks of any shape, with the same functions as {@link csr};
 * `bsr.fromDense(data, shape, [r, c])` keeps every block that holds a non-zero, whole. `bsr.fromCsr(w, [r, c])` keeps
 * every block that holds an entry; `bsr.toCsr(w)` leaves exact zeros out.
 */
export const bsr = Object.assign(create, {
  fromDense,
  toDense,
  validate,
  transpose,
  fromCsr,
  toCsr,
  ...compactFunctions<Bsr>('bsr', create as (parts: AnyValues<BsrParts>) => Bsr | CompactBsr, scaleIndices),
})
