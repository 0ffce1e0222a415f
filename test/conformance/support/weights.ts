import { type Bsr, bsr, type Csr, csr } from '@nnz/core'
import type { Random } from './random.ts'

/** Patterns of the sweep: where a matrix has entries. */
export type Pattern =
  | 'random'
  | 'empty rows'
  | 'full rows'
  | 'one row'
  | 'last row'
  | 'all zero'
  | 'all dense'
  | 'uneven'
  | 'corners'
  | 'one column'

export const PATTERNS: readonly Pattern[] = [
  'random',
  'empty rows',
  'full rows',
  'one row',
  'last row',
  'all zero',
  'all dense',
  'uneven',
  'corners',
  'one column',
]

function keeps(
  pattern: Pattern,
  row: number,
  column: number,
  [rows, columns]: readonly number[],
  density: number,
  random: Random,
): boolean {
  switch (pattern) {
    case 'random':
      return random.next() < density
    case 'empty rows':
      return row % 3 === 1 && random.next() < density
    case 'full rows':
      return row % 3 === 1 || random.next() < density
    case 'one row':
      return row === rows >> 1
    case 'last row':
      return row === rows - 1
    case 'all zero':
      return false
    case 'all dense':
      return true
    case 'uneven':
      return random.next() < density * ((row * 7) % 13 === 0 ? 6 : 0.2)
    case 'corners':
      return (row === 0 || row === rows - 1) && (column === 0 || column === columns - 1)
    case 'one column':
      return column === columns - 1
  }
}

/** A dense matrix with the non-zeros of a pattern. */
export function denseWeights(
  shape: readonly [number, number],
  pattern: Pattern,
  density: number,
  random: Random,
): Float32Array {
  const [rows, columns] = shape
  const dense = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (keeps(pattern, row, column, shape, density, random)) dense[row * columns + column] = random.value()
    }
  }
  return dense
}

export function csrWeights(shape: readonly [number, number], pattern: Pattern, density: number, random: Random): Csr {
  return csr.fromDense(denseWeights(shape, pattern, density, random), shape)
}

/** Blocks of a pattern over block rows and columns; elements of edge blocks beyond the shape hold NaN, which nobody may read. */
export function bsrWeights(
  shape: readonly [number, number],
  blockShape: readonly [number, number],
  pattern: Pattern,
  density: number,
  random: Random,
): Bsr {
  const [r, c] = blockShape
  const blockRows = Math.ceil(shape[0] / r)
  const blockColumns = Math.ceil(shape[1] / c)
  const blocks = csrWeights([blockRows, blockColumns], pattern, density, random)
  const values = new Float32Array(blocks.nnz * r * c)
  for (let blockRow = 0; blockRow < blockRows; blockRow++) {
    for (let block = blocks.rowOffsets[blockRow]; block < blocks.rowOffsets[blockRow + 1]; block++) {
      for (let i = 0; i < r * c; i++) {
        const inside =
          blockRow * r + Math.floor(i / c) < shape[0] && blocks.columnIndices[block] * c + (i % c) < shape[1]
        values[block * r * c + i] = inside ? random.value() : Number.NaN
      }
    }
  }
  return bsr({ shape, blockShape, rowOffsets: blocks.rowOffsets, columnIndices: blocks.columnIndices, values })
}
