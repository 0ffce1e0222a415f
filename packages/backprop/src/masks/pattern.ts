import { describe, rangeError } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'

/**
 * Which entries of a matrix are kept: the structure of a csr layout, which is a pattern itself. *Positions* are
 * row-major places `row * columns + column` that rise.
 */
export interface Pattern {
  readonly shape: readonly [rows: number, columns: number]
  readonly rowOffsets: Uint32Array
  readonly columnIndices: Uint32Array
}

/** Number of places of a shape. Throws RangeError where they cannot be counted in 32 bits. */
export function area(shape: readonly number[]): number {
  expectArguments('pattern', { numbers: { shape } })
  const places = shape[0] * shape[1]
  if (shape.length !== 2 || !(places >= 0 && places < 2 ** 32))
    throw rangeError('NNZ_SHAPE', `pattern: expected a shape [rows, columns] of less than 2^32 places, got [${shape}]`)
  return places
}

/**
 * The pattern with entries at rising row-major positions.
 *
 * @throws RangeError if positions do not rise or leave the shape
 */
export function patternAt(shape: readonly number[], positions: ArrayLike<number>): Pattern {
  const places = area(shape)
  expectArguments('pattern', { numbers: { positions } })
  const [rows, columns] = shape
  const rowOffsets = new Uint32Array(rows + 1)
  const columnIndices = new Uint32Array(positions.length)
  let previous = -1
  for (let i = 0; i < positions.length; i++) {
    const position = positions[i]
    if (!(position > previous && position < places && Number.isInteger(position))) {
      throw rangeError(
        'NNZ_LAYOUT',
        `pattern: expected rising positions below ${places}, got ${describe(position)} at ${i}`,
      )
    }
    previous = position
    const row = Math.floor(position / columns)
    rowOffsets[row + 1]++
    columnIndices[i] = position - row * columns
  }
  for (let row = 0; row < rows; row++) rowOffsets[row + 1] += rowOffsets[row]
  return { shape: [rows, columns], rowOffsets, columnIndices }
}

/** The row-major positions of a pattern's entries, rising. */
export function positionsOf(pattern: Pattern): Uint32Array {
  expectArguments('positionsOf', { pattern: { pattern } })
  const { rowOffsets, columnIndices } = pattern
  const [rows, columns] = pattern.shape
  const positions = new Uint32Array(columnIndices.length)
  for (let row = 0; row < rows; row++) {
    for (let i = rowOffsets[row]; i < rowOffsets[row + 1]; i++) positions[i] = row * columns + columnIndices[i]
  }
  return positions
}

/** The pattern that keeps every entry. */
export function fullPattern(shape: readonly number[]): Pattern {
  return patternAt(
    shape,
    Uint32Array.from({ length: area(shape) }, (_, i) => i),
  )
}

/** The pattern of the places where `kept` is not zero; one number for each place. */
export function patternOfFlags(shape: readonly number[], kept: ArrayLike<number>): Pattern {
  const places = area(shape)
  expectArguments('pattern', { numbers: { kept } })
  if (kept.length !== places)
    throw rangeError('NNZ_SHAPE', `pattern: expected ${places} flags for [${shape.join(', ')}], got ${kept.length}`)
  let count = 0
  for (let i = 0; i < places; i++) if (kept[i]) count++
  const positions = new Uint32Array(count)
  for (let i = 0, at = 0; i < places; i++) if (kept[i]) positions[at++] = i
  return patternAt(shape, positions)
}

/** Number of kept entries. */
export function countOf(pattern: Pattern): number {
  expectArguments('countOf', { pattern: { pattern } })
  return pattern.columnIndices.length
}

/** For each entry of `a` its number in `b`, or -1; both have one shape. Takes time in proportion to the entries. */
export function entriesIn(a: Pattern, b: Pattern): Int32Array {
  expectSameShape(a, b)
  const found = new Int32Array(countOf(a)).fill(-1)
  for (let row = 0; row < a.shape[0]; row++) {
    let j = b.rowOffsets[row]
    const end = b.rowOffsets[row + 1]
    for (let i = a.rowOffsets[row]; i < a.rowOffsets[row + 1]; i++) {
      while (j < end && b.columnIndices[j] < a.columnIndices[i]) j++
      if (j < end && b.columnIndices[j] === a.columnIndices[i]) found[i] = j
    }
  }
  return found
}

/** Whether every entry of `a` is one of `b`. */
export function isSubset(a: Pattern, b: Pattern): boolean {
  return entriesIn(a, b).every((entry) => entry >= 0)
}

/** Whether two patterns keep the same entries. */
export function samePattern(a: Pattern, b: Pattern): boolean {
  return countOf(a) === countOf(b) && isSubset(a, b)
}

function expectSameShape(a: Pattern, b: Pattern): void {
  expectArguments('pattern', { pattern: { a, b } })
  if (a.shape[0] !== b.shape[0] || a.shape[1] !== b.shape[1]) {
    throw rangeError(
      'NNZ_SHAPE',
      `pattern: expected patterns of one shape, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
    )
  }
}
