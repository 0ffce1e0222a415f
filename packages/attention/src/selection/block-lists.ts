import { type BlockMask, blockColumns, blockRows, create, elementWords, FULL } from '../mask/block-mask.ts'
import { clip } from '../mask/builder.ts'
import type { SelectionSize } from './call.ts'

/** Which blocks of a block row may be kept, and where its diagonal lies. */
export interface RowLimits {
  /** Blocks from here on have no pair that may be kept. */
  readonly end: number
  /** Block of the key that is aligned with the first query, and one after that of the last. */
  readonly diagonal: readonly [begin: number, end: number]
}

/** Limits of a block row; the last query is aligned with the last key. */
export function rowLimits({ blockShape, rows, columns }: SelectionSize, blockRow: number, causal: boolean): RowLimits {
  const [queries, keys] = blockShape
  const all = Math.ceil(columns / keys)
  const offset = columns - rows
  const clamp = (block: number) => Math.min(all, Math.max(0, block))
  const first = blockRow * queries + offset
  const last = Math.min(rows, (blockRow + 1) * queries) - 1 + offset
  const diagonal = [clamp(Math.floor(first / keys)), clamp(Math.floor(last / keys) + 1)] as const
  return { end: causal ? diagonal[1] : all, diagonal }
}

/**
 * Makes a mask of the block columns that each block row keeps. With `causal`, blocks on the diagonal keep only the pairs that
 * causal attention has; equal ones share one element mask.
 */
export class BlockLists {
  readonly #size: SelectionSize
  readonly #causal: boolean
  readonly #rowOffsets: Uint32Array
  readonly #perHead: number
  readonly #elements: Uint32Array[] = []
  /** Numbers of element masks, by their distance from the diagonal and their extent. */
  readonly #known = new Map<string, number>()
  #columnIndices: Uint32Array
  #partialIndices: Uint32Array
  #count = 0
  #row = 0

  constructor(size: SelectionSize, causal: boolean) {
    this.#size = size
    this.#causal = causal
    this.#perHead = blockRows(size)
    this.#rowOffsets = new Uint32Array(size.heads * this.#perHead + 1)
    this.#columnIndices = new Uint32Array(1024)
    this.#partialIndices = new Uint32Array(1024)
  }

  /** The next block row, whose columns rise. */
  addRow(columns: Uint32Array, count = columns.length): void {
    this.#reserve(count)
    const { blockShape, rows, columns: keys } = this.#size
    const blockRow = this.#row % this.#perHead
    const first = blockRow * blockShape[0] + keys - rows
    for (let i = 0; i < count; i++) {
      const key = columns[i] * blockShape[1]
      const end = Math.min(keys, key + blockShape[1])
      const partial = this.#causal && end - 1 > first
      const index = partial ? this.#partial(blockRow, first - key, end - key) : FULL
      if (index === undefined) continue
      this.#columnIndices[this.#count] = columns[i]
      this.#partialIndices[this.#count++] = index
    }
    this.#rowOffsets[++this.#row] = this.#count
  }

  #reserve(more: number): void {
    const needed = this.#count + more
    if (needed <= this.#columnIndices.length) return
    const length = Math.max(needed, 2 * this.#columnIndices.length)
    const grow = (from: Uint32Array) => {
      const to = new Uint32Array(length)
      to.set(from)
      return to
    }
    this.#columnIndices = grow(this.#columnIndices)
    this.#partialIndices = grow(this.#partialIndices)
  }

  /**
   * The element mask of a block whose query i keeps keys up to `distance` + i; undefined if it keeps none.
   */
  #partial(blockRow: number, distance: number, width: number): number | undefined {
    const { blockShape, rows } = this.#size
    const height = Math.min(blockShape[0], rows - blockRow * blockShape[0])
    if (distance + height - 1 < 0) return undefined
    const name = `${distance} ${height} ${width}`
    let index = this.#known.get(name)
    if (index === undefined) {
      index = this.#elements.length
      this.#known.set(name, index)
      this.#elements.push(triangle(blockShape, distance, height, width))
    }
    return index
  }

  /** The mask, once every block row of every head was added. */
  finish(): BlockMask {
    const words = elementWords(this.#size.blockShape)
    const elements = new Uint32Array(this.#elements.length * words)
    this.#elements.forEach((mask, i) => {
      elements.set(mask, i * words)
    })
    return create({
      ...this.#size,
      rowOffsets: this.#rowOffsets,
      columnIndices: this.#columnIndices.slice(0, this.#count),
      partialIndices: this.#partialIndices.slice(0, this.#count),
      elements,
    })
  }
}

function triangle(blockShape: readonly [number, number], distance: number, height: number, width: number): Uint32Array {
  const words = Math.ceil(blockShape[1] / 32)
  const elements = new Uint32Array(elementWords(blockShape))
  for (let i = 0; i < height; i++)
    for (let key = 0; key <= Math.min(distance + i, width - 1); key++)
      elements[i * words + (key >>> 5)] |= 1 << (key & 31)
  clip(elements, blockShape[1], [height, width])
  return elements
}

/** Block rows and columns of a size. */
export function blockCounts(size: SelectionSize): [rows: number, columns: number] {
  return [blockRows(size), blockColumns(size)]
}
