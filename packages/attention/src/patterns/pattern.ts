import {
  type BlockMask,
  blockColumns,
  blockRows,
  elementWords,
  expectMaskShape,
  type MaskShape,
} from '../mask/block-mask.ts'
import { BlockWriter, type MaskSize } from '../mask/block-writer.ts'
import { popCount } from '../mask/builder.ts'

const SOME = 1
const ALL = 2

/** The queries of one block row, and what they keep. Ranges of keys are half-open and cut to the keys that there are. */
export class PatternRow {
  head = 0
  blockRow = 0
  /** The first query, and the one after the last. */
  first = 0
  end = 0
  /** Position of query 0 among the keys: the last query is aligned with the last key. */
  readonly offset: number
  readonly #writer: BlockWriter
  readonly #state: Uint8Array
  readonly #touched: number[] = []
  /** Element masks of touched blocks, used again for each row. */
  readonly #elements: Uint32Array[] = []

  constructor(size: MaskSize) {
    this.offset = size.columns - size.rows
    this.#writer = new BlockWriter(size)
    this.#state = new Uint8Array(blockColumns(size))
  }

  /** Every query keeps these keys. */
  keepAll(from: number, to: number): void {
    const { columns, blockShape } = this.#writer.size
    const width = blockShape[1]
    const begin = Math.max(0, from)
    const end = Math.min(columns, to)
    if (begin >= end) return
    const firstWhole = Math.ceil(begin / width)
    const endWhole = end === columns ? this.#state.length : Math.floor(end / width)
    for (let column = firstWhole; column < endWhole; column++) {
      this.#touch(column)
      this.#state[column] = ALL
    }
    if (firstWhole >= endWhole) this.#keepEach(begin, end)
    else {
      this.#keepEach(begin, firstWhole * width)
      this.#keepEach(endWhole * width, end)
    }
  }

  #keepEach(from: number, to: number): void {
    for (let query = this.first; from < to && query < this.end; query++) this.keep(query, from, to)
  }

  /** A query keeps these keys. */
  keep(query: number, from: number, to: number): void {
    const { columns, blockShape } = this.#writer.size
    const width = blockShape[1]
    const words = Math.ceil(width / 32)
    const end = Math.min(columns, to)
    for (let key = Math.max(0, from); key < end; ) {
      const column = Math.floor(key / width)
      const next = Math.min(end, (column + 1) * width)
      if (this.#state[column] !== ALL) {
        const elements = this.#touch(column)
        const row = (query - this.first) * words
        for (let bit = key - column * width; bit < next - column * width; ) {
          const stop = Math.min(32, next - column * width - (bit & ~31))
          elements[row + (bit >>> 5)] |= ones(stop) & ~ones(bit & 31)
          bit = (bit & ~31) + stop
        }
      }
      key = next
    }
  }

  /** Every query at position p keeps the keys from `low(p)` to `high(p)` - 1; neither may fall. */
  band(low: (position: number) => number, high: (position: number) => number): void {
    const { first, end, offset } = this
    const from = low(end - 1 + offset)
    const to = high(first + offset)
    this.keepAll(from, to)
    for (let query = first; query < end; query++) {
      const [begin, stop] = [low(query + offset), high(query + offset)]
      if (from >= to) this.keep(query, begin, stop)
      else {
        this.keep(query, begin, Math.min(stop, from))
        this.keep(query, Math.max(begin, to), stop)
      }
    }
  }

  #touch(column: number): Uint32Array {
    if (this.#state[column] === 0) {
      this.#state[column] = SOME
      this.#touched.push(column)
      this.#elements[column]?.fill(0)
    }
    return (this.#elements[column] ??= new Uint32Array(elementWords(this.#writer.size.blockShape)))
  }

  /** Starts a block row. */
  begin(head: number, blockRow: number): void {
    const { rows, blockShape } = this.#writer.size
    this.head = head
    this.blockRow = blockRow
    this.first = blockRow * blockShape[0]
    this.end = Math.min(rows, this.first + blockShape[0])
  }

  /** Writes the row's blocks. */
  finishRow(): void {
    const { columns, blockShape } = this.#writer.size
    for (const column of this.#touched.sort((a, b) => a - b)) {
      const whole = (this.end - this.first) * Math.min(blockShape[1], columns - column * blockShape[1])
      const elements = this.#elements[column]
      if (this.#state[column] === ALL || countBits(elements) === whole) this.#writer.add(column)
      else this.#writer.add(column, this.#writer.number(elements))
      this.#state[column] = 0
    }
    this.#touched.length = 0
    this.#writer.endRow()
  }

  finish(): BlockMask {
    return this.#writer.finish()
  }
}

/** A word whose lowest `count` bits are set, 0 to 32. */
function ones(count: number): number {
  return count === 32 ? -1 : (1 << count) - 1
}

function countBits(words: Uint32Array): number {
  let count = 0
  for (let i = 0; i < words.length; i++) count += popCount(words[i])
  return count
}

/** Makes a mask by asking what each block row keeps; what is not kept is never looked at. */
export function pattern(shape: MaskShape, name: string, keep: (row: PatternRow) => void): BlockMask {
  const size = expectMaskShape(shape, name)
  const row = new PatternRow(size)
  for (let head = 0; head < size.heads; head++) {
    for (let blockRow = 0; blockRow < blockRows(size); blockRow++) {
      row.begin(head, blockRow)
      keep(row)
      row.finishRow()
    }
  }
  return row.finish()
}
