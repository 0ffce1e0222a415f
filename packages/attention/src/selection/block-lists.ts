import { type BlockMask, blockColumns, blockRows, elementWords } from '../mask/block-mask.ts'
import { BlockWriter, type MaskSize } from '../mask/block-writer.ts'

/** Which blocks of a block row may be kept, and where its diagonal lies. */
export interface RowLimits {
  /** Blocks from here on have no pair that may be kept. */
  readonly end: number
  /** Block of the key that is aligned with the first query, and one after that of the last. */
  readonly diagonal: readonly [begin: number, end: number]
}

/**
 * Limits of a block row; the last query is aligned with the last key. Where tokens change places inside segments, the diagonal is
 * as wide as they are.
 */
export function rowLimits(size: MaskSize, blockRow: number, causal: boolean, segment = 1): RowLimits {
  const { blockShape, rows, columns } = size
  const [queries, keys] = blockShape
  const all = blockColumns(size)
  const offset = columns - rows
  const clamp = (block: number) => Math.min(all, Math.max(0, block))
  const first = Math.floor((blockRow * queries + offset) / segment) * segment
  const last = (Math.floor((Math.min(rows, (blockRow + 1) * queries) - 1 + offset) / segment) + 1) * segment - 1
  const diagonal = [clamp(Math.floor(first / keys)), clamp(Math.floor(last / keys) + 1)] as const
  return { end: causal ? diagonal[1] : all, diagonal }
}

/** Which tokens stand at the places of each mask head. */
export interface Places {
  readonly segment: number
  readonly queriesOf: (head: number) => Int32Array
  readonly keysOf: (head: number) => Int32Array
}

/**
 * Makes a mask of the block columns that each block row keeps. With `causal`, blocks on the diagonal keep only the pairs that
 * causal attention has, between the tokens that stand there.
 */
export class BlockLists {
  readonly #writer: BlockWriter
  readonly #causal: boolean
  readonly #places: Places | undefined
  readonly #perHead: number
  /** Numbers of element masks, by the distance of the block from the diagonal, and its height and width. */
  readonly #known = new Map<string, number>()
  #row = 0

  constructor(size: MaskSize, causal: boolean, places?: Places) {
    this.#writer = new BlockWriter(size)
    this.#causal = causal
    this.#places = places
    this.#perHead = blockRows(size)
  }

  /** The next block row: its first `count` columns, which rise. */
  addRow(columns: Uint32Array, count = columns.length): void {
    const { blockShape, rows, columns: keys } = this.#writer.size
    const head = Math.floor(this.#row / this.#perHead)
    const query = (this.#row++ % this.#perHead) * blockShape[0]
    const height = Math.min(blockShape[0], rows - query)
    const first = query + keys - rows
    // Every query sees the keys before this one; where tokens change places, those of earlier segments.
    const seen = this.#places ? Math.floor(first / this.#places.segment) * this.#places.segment : first + 1
    for (let i = 0; i < count; i++) {
      const key = columns[i] * blockShape[1]
      const width = Math.min(blockShape[1], keys - key)
      if (!this.#causal || key + width <= seen) this.#writer.add(columns[i])
      else if (this.#places) this.#addPairs(columns[i], this.#places, head, query, height, width)
      else if (first - key + height > 0) this.#writer.add(columns[i], this.#triangle(first - key, height, width))
    }
    this.#writer.endRow()
  }

  /** Adds a block with those of its pairs whose key does not come after the query, if there are any. */
  #addPairs(column: number, places: Places, head: number, query: number, height: number, width: number): void {
    const { blockShape, rows, columns } = this.#writer.size
    const queries = places.queriesOf(head).subarray(query, query + height)
    const keys = places.keysOf(head).subarray(column * blockShape[1], column * blockShape[1] + width)
    const words = Math.ceil(blockShape[1] / 32)
    const elements = new Uint32Array(elementWords(blockShape))
    let pairs = 0
    queries.forEach((token, i) => {
      keys.forEach((key, j) => {
        if (key > token + columns - rows) return
        elements[i * words + (j >>> 5)] |= 1 << (j & 31)
        pairs++
      })
    })
    if (pairs === height * width) this.#writer.add(column)
    else if (pairs > 0) this.#writer.add(column, this.#writer.number(elements))
  }

  /** The number of the element mask whose query i keeps the keys up to `last` + i. */
  #triangle(last: number, height: number, width: number): number {
    const name = `${last} ${height} ${width}`
    let number = this.#known.get(name)
    if (number === undefined) {
      const { blockShape } = this.#writer.size
      const words = Math.ceil(blockShape[1] / 32)
      const elements = new Uint32Array(elementWords(blockShape))
      for (let i = 0; i < height; i++)
        for (let key = 0; key <= Math.min(last + i, width - 1); key++)
          elements[i * words + (key >>> 5)] |= 1 << (key & 31)
      number = this.#writer.number(elements)
      this.#known.set(name, number)
    }
    return number
  }

  /** The mask, once every block row of every head was added. */
  finish(): BlockMask {
    return this.#writer.finish()
  }
}

/** Block rows and columns of a size. */
export function blockCounts(size: MaskSize): [rows: number, columns: number] {
  return [blockRows(size), blockColumns(size)]
}
