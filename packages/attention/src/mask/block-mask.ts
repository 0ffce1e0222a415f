import { describe, rangeError, typeError } from '@nnz/core'
import * as checks from './checks.ts'

/** In `partialIndices`: the block is kept whole. */
export const FULL = 0xffffffff

/**
 * Which query-key pairs attention computes, as blocks of `blockShape[0]` queries by `blockShape[1]` keys. Block row r of
 * head h holds blocks `rowOffsets[h * blockRows + r] .. rowOffsets[h * blockRows + r + 1]` in block columns
 * `columnIndices[…]`. A kept block is full, or partial with an element mask; where rows or columns are not a multiple of
 * the block, what stands beyond them is ignored.
 */
export interface BlockMask {
  readonly layout: 'block-mask'
  readonly blockShape: readonly [queries: number, keys: number]
  /** Heads with a pattern of their own; 1: all heads share one. */
  readonly heads: number
  /** Queries. */
  readonly rows: number
  /** Keys. */
  readonly columns: number
  readonly rowOffsets: Uint32Array
  readonly columnIndices: Uint32Array
  /** For each kept block: {@link FULL}, or the number of its element mask. */
  readonly partialIndices: Uint32Array
  /**
   * Element masks of `blockShape[0]` rows with `ceil(blockShape[1] / 32)` words each: bit `key % 32` of word
   * `floor(key / 32)` says whether the pair is kept.
   */
  readonly elements: Uint32Array
}

/** The parts of a {@link BlockMask}. Without `partialIndices` every kept block is full. */
export interface BlockMaskParts {
  blockShape: readonly number[]
  heads?: number | undefined
  rows: number
  columns: number
  rowOffsets: ArrayLike<number>
  columnIndices: ArrayLike<number>
  partialIndices?: ArrayLike<number> | undefined
  elements?: ArrayLike<number> | undefined
}

/** The size of a mask: what every way of making one needs. */
export interface MaskShape {
  /** Queries and keys of a block. */
  blockShape: readonly number[]
  /** Heads with a pattern of their own. Default: 1, shared by all heads. */
  heads?: number | undefined
  /** Queries. */
  rows: number
  /** Keys. */
  columns: number
}

/** Block rows of one head. */
export function blockRows({ rows, blockShape }: Pick<BlockMask, 'rows' | 'blockShape'>): number {
  return Math.ceil(rows / blockShape[0])
}

/** Block columns. */
export function blockColumns({ columns, blockShape }: Pick<BlockMask, 'columns' | 'blockShape'>): number {
  return Math.ceil(columns / blockShape[1])
}

/** Words of one element mask. */
export function elementWords([queries, keys]: readonly [number, number]): number {
  return queries * Math.ceil(keys / 32)
}

const checked = new WeakSet<object>()

/** Checks the size of a mask. */
export function expectMaskShape(
  shape: MaskShape,
  name: string,
): Required<Omit<MaskShape, 'blockShape'>> & {
  blockShape: readonly [number, number]
} {
  if (typeof shape !== 'object' || shape === null)
    throw typeError('NNZ_TYPE', `${name}: expected an object, got ${describe(shape)}`)
  const { blockShape, heads = 1, rows, columns } = shape
  if (!Array.isArray(blockShape))
    throw typeError('NNZ_TYPE', `${name}: expected blockShape to be [queries, keys], got ${describe(blockShape)}`)
  if (
    blockShape.length !== 2 ||
    !blockShape.every((extent) => Number.isInteger(extent) && extent > 0 && extent <= 4096)
  )
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected a blockShape [queries, keys] of whole numbers in 1..4096, got [${blockShape.join(', ')}]`,
    )
  checks.expectExtent(heads, 1, `${name}: heads`)
  checks.expectExtent(rows, 0, `${name}: rows`)
  checks.expectExtent(columns, 0, `${name}: columns`)
  return { blockShape: Object.freeze([blockShape[0], blockShape[1]] as const), heads, rows, columns }
}

/** Makes a mask of its parts and checks it. */
export function create(parts: BlockMaskParts): BlockMask {
  const shape = expectMaskShape(parts, 'blockMask')
  const columnIndices = checks.toIndices(parts.columnIndices, 'blockMask: columnIndices')
  const mask: BlockMask = {
    layout: 'block-mask',
    ...shape,
    rowOffsets: checks.toIndices(parts.rowOffsets, 'blockMask: rowOffsets'),
    columnIndices,
    partialIndices:
      parts.partialIndices === undefined
        ? new Uint32Array(columnIndices.length).fill(FULL)
        : checks.toIndices(parts.partialIndices, 'blockMask: partialIndices'),
    elements: checks.toIndices(parts.elements ?? [], 'blockMask: elements'),
  }
  validate(mask)
  checked.add(mask)
  return Object.freeze(mask)
}

/**
 * Checks every index of a mask.
 *
 * @throws TypeError if a part is of the wrong kind
 * @throws RangeError that names the array and the position of the first inconsistency
 */
export function validate(mask: BlockMask): void {
  const { blockShape, heads } = expectMaskShape(mask, 'blockMask')
  const indices = (part: 'rowOffsets' | 'columnIndices' | 'partialIndices' | 'elements') =>
    checks.toIndices(mask[part], `blockMask: ${part}`)
  const [rowOffsets, columnIndices] = [indices('rowOffsets'), indices('columnIndices')]
  const [partialIndices, elements] = [indices('partialIndices'), indices('elements')]
  checks.checkOffsets(rowOffsets, heads * blockRows(mask), columnIndices.length, 'blockMask: rowOffsets')
  checks.checkRising(rowOffsets, columnIndices, blockColumns(mask), 'blockMask: columnIndices')
  checks.checkLength(partialIndices, columnIndices.length, 'blockMask: partialIndices')
  const words = elementWords(blockShape)
  if (elements.length % words !== 0)
    throw rangeError(
      'NNZ_LAYOUT',
      `blockMask: elements: expected a multiple of ${words} words (an element mask each), got ${elements.length}`,
    )
  const masks = elements.length / words
  for (let block = 0; block < partialIndices.length; block++) {
    if (partialIndices[block] !== FULL && partialIndices[block] >= masks)
      throw rangeError(
        'NNZ_LAYOUT',
        `blockMask: partialIndices[${block}]: expected FULL or an index below ${masks}, got ${partialIndices[block]}`,
      )
  }
}

/** Checks that a value is a mask; one that no constructor of this copy of the package made is checked whole. */
export function expectBlockMask(value: unknown, name: string): BlockMask {
  if (typeof value !== 'object' || value === null || (value as { layout?: unknown }).layout !== 'block-mask')
    throw typeError('NNZ_TYPE', `${name}: expected a blockMask, got ${describe(value)}`)
  return checked.has(value) ? (value as BlockMask) : create(value as BlockMask)
}
