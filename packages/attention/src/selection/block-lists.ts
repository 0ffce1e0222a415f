import { type BlockMask, blockColumns, blockRows, elementWords } from '../mask/block-mask.ts'
import { BlockWriter, type MaskSize } from '../patterns/block-writer.ts'

/** Which blocks of a block row may be kept, and where its diagonal lies. */
export interface RowLimits {
  /** Blocks from here on have no pair that may be kept. */
  readonly end: number
  /** Block of the key that is aligned with the first query, and one after that of the last. */
  readonly diagonal: readonly [begin: number, end: number]
}

/** Limits of a block row; the last query is aligned with the last key. */
export function rowLimits(size: MaskSize, blockRow: number, causal: boolean): RowLimits {
  const { blockShape, rows, columns } = size
  const [queries, keys] = blockShape
  const all = blockColumns(size)
  const offset = columns - rows
  const clamp = (block: number) => Math.min(all, Math.max(0, block))
  const first = blockRow * queries + offset
  const last = Math.min(rows, (blockRow + 1) * queries) - 1 + offset
  const diagonal = [clamp(Math.floor(first / keys)), clamp(Math.floor(last / keys) + 1)] as const
  return { end: causal ? diagonal[1] : all, diagonal }
}

/**
 * Makes a mask of the block columns that each block row keeps. With `causal`, blocks on the diagonal keep only the pairs that
 * causal attention has.
 */
export class BlockLists {
  readonly #writer: BlockWriter
  readonly #causal: boolean
  readonly #perHead: number
  /** Numbers of element masks, by the distance of the block from the diagonal, and its height and width. */
  readonly #known = new Map<string, number>()
  #row = 0

  constructor(size: MaskSize, causal: boolean) {
    this.#writer = new BlockWriter(size)
    this.#causal = causal
    this.#perHead = blockRows(size)
  }

  /** The next block row: its first `count` columns, which rise. */
  addRow(columns: Uint32Array, count = columns.length): void {
    const { blockShape, rows, columns: keys } = this.#writer.size
    const query = (this.#row++ % this.#perHead) * blockShape[0]
    const height = Math.min(blockShape[0], rows - query)
    for (let i = 0; i < count; i++) {
      const key = columns[i] * blockShape[1]
      const width = Math.min(blockShape[1], keys - key)
      // The first query keeps keys of the block up to this one.
      const last = query + keys - rows - key
      if (!this.#causal || last >= width - 1) this.#writer.add(columns[i])
      else if (last + height > 0) this.#writer.add(columns[i], this.#triangle(last, height, width))
    }
    this.#writer.endRow()
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
