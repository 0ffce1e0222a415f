import { type Tensor, type TensorHost, tensor, zeros } from '@nnz/core'

/** How a matrix lies in memory. */
export type View = 'rows' | 'padded rows' | 'columns' | 'padded columns' | 'spread'

export const VIEWS: readonly View[] = ['rows', 'padded rows', 'columns', 'padded columns', 'spread']

/** Bits of a NaN that no kernel produces: it poisons outputs, and marks everything that must stay untouched. */
const POISON = 0x7fa5c3e1
const GUARD = 19

function stridesOf([rows, columns]: readonly number[], view: View): [number, number] {
  switch (view) {
    case 'rows':
      return [columns, 1]
    case 'padded rows':
      return [columns + 3, 1]
    case 'columns':
      return [1, rows]
    case 'padded columns':
      return [1, rows + 5]
    case 'spread':
      return [3 * columns + 2, 3]
  }
}

/** A matrix inside a larger array of poison, on the JS heap or in a backend's memory. */
export class Guarded {
  readonly matrix: Tensor
  readonly #base: Tensor & { dispose?: () => void }
  readonly #offset: number

  constructor(shape: readonly [number, number], view: View, host?: TensorHost) {
    const strides = stridesOf(shape, view)
    const [rows, columns] = shape
    const span = rows === 0 || columns === 0 ? 0 : (rows - 1) * strides[0] + (columns - 1) * strides[1] + 1
    // Contiguous views have data of exactly their length; the others see some of the guard behind them.
    const offset = view === 'rows' || view === 'columns' ? GUARD : GUARD + 2
    const seen = view === 'rows' || view === 'columns' ? span : span + 4
    this.#offset = offset
    this.#base = host
      ? zeros([span + 2 * GUARD + 4], { backend: host })
      : tensor(new Float32Array(span + 2 * GUARD + 4), [span + 2 * GUARD + 4])
    const base = this.#base
    this.matrix = host
      ? {
          dtype: 'f32',
          shape,
          strides,
          get data() {
            return base.data.subarray(offset, offset + seen)
          },
        }
      : tensor(base.data.subarray(offset, offset + seen), shape, { strides })
    this.poison()
  }

  get #bits(): Int32Array {
    const { buffer, byteOffset, length } = this.#base.data
    return new Int32Array(buffer, byteOffset, length)
  }

  #position(i: number): number {
    const [, columns] = this.matrix.shape
    const [rowStride, columnStride] = this.matrix.strides
    return this.#offset + Math.floor(i / columns) * rowStride + (i % columns) * columnStride
  }

  poison(): void {
    this.#bits.fill(POISON)
  }

  /** Writes the elements, given row-major. */
  write(values: ArrayLike<number>): void {
    const data = this.#base.data
    for (let i = 0; i < values.length; i++) data[this.#position(i)] = values[i]
  }

  /** The elements, row-major. */
  read(): Float32Array {
    const [rows, columns] = this.matrix.shape
    const data = this.#base.data
    return Float32Array.from({ length: rows * columns }, (_, i) => data[this.#position(i)])
  }

  /** What was not written, or written beside the matrix; undefined if nothing. */
  damage(): string | undefined {
    const [rows, columns] = this.matrix.shape
    const bits = this.#bits
    const inside = new Uint8Array(bits.length)
    for (let i = 0; i < rows * columns; i++) {
      const position = this.#position(i)
      inside[position] = 1
      if (bits[position] === POISON) return `element [${Math.floor(i / columns)}, ${i % columns}] was not written`
    }
    for (let i = 0; i < bits.length; i++) {
      if (inside[i] === 0 && bits[i] !== POISON)
        return `wrote ${i - this.#offset} elements from the start of the matrix, outside of it`
    }
    return undefined
  }

  dispose(): void {
    this.#base.dispose?.()
  }
}
