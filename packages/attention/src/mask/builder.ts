import { type BlockMask, blockRows, create, elementWords, FULL, type MaskShape } from './block-mask.ts'

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
  readonly #shape: { blockShape: readonly [number, number]; heads: number; rows: number; columns: number }
  readonly #rowOffsets: Uint32Array
  readonly #columnIndices: number[] = []
  readonly #partialIndices: number[] = []
  readonly #elements: Uint32Array[] = []
  #row = 0

  constructor(shape: MaskShape & { blockShape: readonly [number, number]; heads: number }) {
    this.#shape = shape
    this.elements = new Uint32Array(elementWords(shape.blockShape))
    this.#rowOffsets = new Uint32Array(shape.heads * blockRows(shape) + 1)
  }

  /** Adds a block whose pairs stand in `elements`. */
  addElements(blockColumn: number): void {
    const { blockShape } = this.#shape
    const extent = blockExtent(this.#shape, this.#row % blockRows(this.#shape), blockColumn)
    const count = clip(this.elements, blockShape[1], extent)
    if (count === extent[0] * extent[1]) this.addFull(blockColumn)
    else if (count > 0) {
      this.#columnIndices.push(blockColumn)
      this.#partialIndices.push(this.#elements.length)
      this.#elements.push(this.elements.slice())
    }
    this.elements.fill(0)
  }

  /** Adds a block that is kept whole. */
  addFull(blockColumn: number): void {
    this.#columnIndices.push(blockColumn)
    this.#partialIndices.push(FULL)
  }

  /** Ends a block row. */
  endRow(): void {
    this.#rowOffsets[++this.#row] = this.#columnIndices.length
  }

  /** The mask, once every block row of every head has ended. */
  finish(): BlockMask {
    const words = this.elements.length
    const elements = new Uint32Array(this.#elements.length * words)
    this.#elements.forEach((mask, i) => {
      elements.set(mask, i * words)
    })
    return create({
      ...this.#shape,
      rowOffsets: this.#rowOffsets,
      columnIndices: Uint32Array.from(this.#columnIndices),
      partialIndices: Uint32Array.from(this.#partialIndices),
      elements,
    })
  }
}
