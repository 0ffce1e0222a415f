import { type BlockMask, blockRows, create, elementWords, FULL } from './block-mask.ts'

/** A checked size of a mask. */
export interface MaskSize {
  readonly blockShape: readonly [queries: number, keys: number]
  readonly heads: number
  readonly rows: number
  readonly columns: number
}

/** A list of indices that grows. */
class IndexList {
  #values = new Uint32Array(1024)
  length = 0

  push(value: number): void {
    if (this.length === this.#values.length) {
      const longer = new Uint32Array(2 * this.length)
      longer.set(this.#values)
      this.#values = longer
    }
    this.#values[this.length++] = value
  }

  toArray(): Uint32Array {
    return this.#values.slice(0, this.length)
  }
}

function hashOf(words: Uint32Array): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i], 0x01000193)
  return hash
}

/**
 * Writes a mask block after block. Equal element masks are stored once: what patterns and causal diagonals are made of repeats,
 * and element masks are the larger part of a mask.
 */
export class BlockWriter {
  readonly size: MaskSize
  readonly #rowOffsets: Uint32Array
  readonly #columnIndices = new IndexList()
  readonly #partialIndices = new IndexList()
  readonly #elements: Uint32Array[] = []
  readonly #byHash = new Map<number, number[]>()
  #row = 0

  constructor(size: MaskSize) {
    this.size = size
    this.#rowOffsets = new Uint32Array(size.heads * blockRows(size) + 1)
  }

  /** The number of an element mask, which is copied if it is new. No bit beyond the mask's rows and columns may be set. */
  number(elements: Uint32Array): number {
    const hash = hashOf(elements)
    let numbers = this.#byHash.get(hash)
    if (!numbers) this.#byHash.set(hash, (numbers = []))
    const found = numbers.find((at) => this.#elements[at].every((word, i) => word === elements[i]))
    if (found !== undefined) return found
    numbers.push(this.#elements.length)
    return this.#elements.push(elements.slice()) - 1
  }

  /** Adds a block to the block row: full, or with the element mask of that number. Columns rise. */
  add(blockColumn: number, partial: number = FULL): void {
    this.#columnIndices.push(blockColumn)
    this.#partialIndices.push(partial)
  }

  /** Ends a block row. */
  endRow(): void {
    this.#rowOffsets[++this.#row] = this.#columnIndices.length
  }

  /** The mask, once every block row of every head has ended. */
  finish(): BlockMask {
    const words = elementWords(this.size.blockShape)
    const elements = new Uint32Array(this.#elements.length * words)
    this.#elements.forEach((mask, i) => {
      elements.set(mask, i * words)
    })
    return create({
      ...this.size,
      rowOffsets: this.#rowOffsets,
      columnIndices: this.#columnIndices.toArray(),
      partialIndices: this.#partialIndices.toArray(),
      elements,
    })
  }
}
