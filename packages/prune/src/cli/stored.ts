import type { DescribedTensor, SafetensorsType } from '@nnz/core/storage'
import { fromFloats, type TensorEntry, type TensorFile, toFloats } from '@nnz/formats'
import { isFloat, isStorable, type Matrix } from './choose.ts'

/** Bytes of an array. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** A row-major [rows, columns] seen the other way round. */
export function turned(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length)
  for (let row = 0, i = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, i++) result[column * rows + row] = data[i]
  return result
}

/** The weights of a matrix, [outputs, inputs]. */
export async function readMatrix(
  file: TensorFile,
  { entry, rows, columns, transposed }: Matrix,
): Promise<Float32Array> {
  const { data } = await file.read(entry.name)
  return transposed ? turned(data, columns, rows) : data
}

/** How tensors become those of a safetensors file. */
export class OutputTensors {
  readonly #file: TensorFile
  readonly #changed: boolean

  /** @param changed whether kept weights get other values, too */
  constructor(file: TensorFile, changed: boolean) {
    this.#file = file
    this.#changed = changed
  }

  /** Whether the output can hold a tensor. */
  holds(entry: TensorEntry): boolean {
    return isStorable(entry) || isFloat(this.#file, entry)
  }

  /** A tensor that is not pruned keeps its type; blocks that stand for numbers become F32. */
  describeCopy(entry: TensorEntry): DescribedTensor {
    return { name: entry.name, shape: entry.shape, dtype: isStorable(entry) ? (entry.dtype as SafetensorsType) : 'F32' }
  }

  async copy(entry: TensorEntry): Promise<Uint8Array> {
    const { data } = isStorable(entry) ? await this.#file.readRaw(entry.name) : await this.#file.read(entry.name)
    return bytesOf(data)
  }

  /** So does a pruned one, but that changed weights of 64 or 8 bits become F32. */
  describe({ entry }: Matrix): DescribedTensor {
    const copy = this.describeCopy(entry)
    return this.#changed && !['F16', 'BF16'].includes(copy.dtype) ? { ...copy, dtype: 'F32' } : copy
  }

  /**
   * Pruned weights, [outputs, inputs], as they are stored. Where a method only removes weights, the others keep the bits
   * that they have in the file, whatever their type is.
   */
  async encode(matrix: Matrix, weights: Float32Array): Promise<Uint8Array> {
    const { entry, rows, columns, transposed } = matrix
    const values = transposed ? turned(weights, rows, columns) : weights
    if (this.#changed || !isStorable(entry)) return bytesOf(fromFloats(values, this.describe(matrix).dtype))
    const bytes = bytesOf((await this.#file.readRaw(entry.name)).data).slice()
    const size = bytes.length / values.length
    for (let i = 0; i < values.length; i++) if (values[i] === 0) bytes.fill(0, i * size, (i + 1) * size)
    return bytes
  }

  /** The weights that {@link encode} stored, [outputs, inputs]. */
  decode(matrix: Matrix, bytes: Uint8Array<ArrayBuffer>): Float32Array {
    const { rows, columns, transposed } = matrix
    const values = toFloats(bytes, this.describe(matrix).dtype)!
    return transposed ? turned(values, columns, rows) : values
  }
}
