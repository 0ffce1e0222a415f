import type { Tensor } from '@nnz/core'
import * as set from '../generated/wasm-decoder.ts'
import { room, rowRanges, wasmBackend } from './memory.ts'

const F32 = 4
/** Numbers that are told of each row. */
const RESULTS = 3

/**
 * What softmax and sums of exponentials need of rows of logits, which lie in a {@link room}: kernels of WASM where there are
 * any and rows are whole vectors long, else loops.
 */
export class ExponentialRows {
  /** Logits, [rows, columns]. */
  readonly logits: Tensor
  readonly #wasm: ReturnType<typeof wasmBackend>
  readonly #results: Tensor & { dispose?(): void }
  readonly #room: Tensor & { dispose?(): void }

  constructor(rows: number, columns: number) {
    this.#room = room([rows, columns])
    this.logits = this.#room
    this.#results = room([rows, RESULTS])
    this.#wasm = columns % 4 === 0 ? wasmBackend() : undefined
  }

  get #columns(): number {
    return this.logits.shape[1]
  }

  #call(name: string, args: readonly number[], rows: number): void {
    const wasm = this.#wasm!
    wasm.kernels(set).parallel(name, args, rowRanges(rows, wasm))
  }

  /**
   * Replaces the first rows by e = exp(x - the row's largest x).
   *
   * @returns for each row its largest x, the sum of e, and the sum of e (x - its largest): valid until the next call
   */
  exponentials(rows: number): Float32Array {
    const columns = this.#columns
    if (this.#wasm)
      this.#call(
        'exponentialRows',
        [this.logits.data.byteOffset, columns * F32, columns, this.#results.data.byteOffset],
        rows,
      )
    else exponentials(this.logits.data, this.#results.data, rows, columns)
    return this.#results.data
  }

  /** Of the first rows of these and of others the sums of products. */
  dots(others: ExponentialRows, rows: number): Float32Array {
    const columns = this.#columns
    const [x, y] = [this.logits.data, others.logits.data]
    if (this.#wasm) {
      const to = this.#results.data.byteOffset
      this.#call('dotRows', [x.byteOffset, y.byteOffset, columns * F32, columns, to], rows)
      return this.#results.data.slice(0, rows)
    }
    return Float32Array.from({ length: rows }, (_, row) => {
      let sum = 0
      for (let i = row * columns; i < (row + 1) * columns; i++) sum += x[i] * y[i]
      return sum
    })
  }

  /** Replaces the first rows by own · them - other · those of others; a factor for each row. */
  blend(others: ExponentialRows, own: Float32Array, other: Float32Array): void {
    const columns = this.#columns
    const rows = own.length
    const [x, y] = [this.logits.data, others.logits.data]
    if (this.#wasm) {
      const factors = this.#results.data
      factors.set(own)
      factors.set(other, rows)
      const at = factors.byteOffset
      this.#call('blendRows', [x.byteOffset, y.byteOffset, columns * F32, columns, at, at + rows * F32], rows)
      return
    }
    for (let row = 0; row < rows; row++)
      for (let i = row * columns; i < (row + 1) * columns; i++) x[i] = own[row] * x[i] - other[row] * y[i]
  }

  dispose(): void {
    this.#room.dispose?.()
    this.#results.dispose?.()
  }
}

function exponentials(x: Float32Array, results: Float32Array, rows: number, columns: number): void {
  for (let row = 0; row < rows; row++) {
    const [begin, end] = [row * columns, (row + 1) * columns]
    let largest = Number.NEGATIVE_INFINITY
    for (let i = begin; i < end; i++) largest = Math.max(largest, x[i])
    let [sum, weighted] = [0, 0]
    for (let i = begin; i < end; i++) {
      const exponent = x[i] - largest
      x[i] = Math.exp(exponent)
      sum += x[i]
      weighted += x[i] * exponent
    }
    results.set([largest, sum, weighted], RESULTS * row)
  }
}
