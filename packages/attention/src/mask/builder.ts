import { type BlockMask, blockRows, elementWords } from './block-mask.ts'
import { BlockWriter, type MaskSize } from './block-writer.ts'

/** Rows and columns of a block that lie inside the mask. */
export function blockExtent(
  { rows, columns, blockShape }: Pick<BlockMask, 'rows' | 'columns' | 'blockShape'>,
  blockRow: number,
  blockColumn: number,
): [rows: number, columns: number] {
  return [
    Math.min(blockShape[0], rows - blockRow * blockShape[0]),
    Math.min(blockShape[1], columns - blockColumn * blockShape[1]),
  ]
}

/** Bits set in a word. */
export function popCount(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555)
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333)
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Bits of an element mask that lie inside the mask; the others are cleared. */
export function clip(elements: Uint32Array, keys: number, [rows, columns]: readonly [number, number]): number {
  const words = Math.ceil(keys / 32)
  let count = 0
  for (let i = 0; i < elements.length; i++) {
    const left = columns - 32 * (i % words)
    const inside = Math.floor(i / words) >= rows || left <= 0 ? 0 : left >= 32 ? 0xffffffff : 2 ** left - 1
    elements[i] = (elements[i] & inside) >>> 0
    count += popCount(elements[i])
  }
  return count
}

/** Collects the blocks of a mask, block row after block row: drops empty ones and tells full ones from partial ones. */
export class MaskBuilder {
  /** Element mask of the block that comes next; zeroed after each block. */
  readonly elements: Uint32Array
  readonly #writer: BlockWriter
  #row = 0

  constructor(size: MaskSize) {
    this.elements = new Uint32Array(elementWords(size.blockShape))
    this.#writer = new BlockWriter(size)
  }

  /** Adds a block whose pairs stand in `elements`. */
  addElements(blockColumn: number): void {
    const { size } = this.#writer
    const extent = blockExtent(size, this.#row % blockRows(size), blockColumn)
    const count = clip(this.elements, size.blockShape[1], extent)
    if (count === extent[0] * extent[1]) this.#writer.add(blockColumn)
    else if (count > 0) this.#writer.add(blockColumn, this.#writer.number(this.elements))
    this.elements.fill(0)
  }

  /** Ends a block row. */
  endRow(): void {
    this.#row++
    this.#writer.endRow()
  }

  /** The mask, once every block row of every head has ended. */
  finish(): BlockMask {
    return this.#writer.finish()
  }
}
