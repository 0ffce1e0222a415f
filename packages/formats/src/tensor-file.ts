import { FileFormatError } from '@nnz/core/storage'
import type { ByteSource } from './bytes/byte-source.ts'
import { type Elements, toElements, toFloats } from './elements.ts'

/** One tensor of a file, as the file describes it. */
export interface TensorEntry {
  readonly name: string
  /** As safetensors call them (`F32`, `BF16`, `I64`, …) in every format; blocks of GGUF by their own names (`Q4_0`, …). */
  readonly dtype: string
  /** Row-major: the extent of the axis whose elements lie side by side is the last. */
  readonly shape: readonly number[]
  /** Where its bytes begin, counted from the beginning of the file. */
  readonly offset: number
  readonly byteLength: number
}

/** A tensor widened to f32, row-major. */
export interface FloatTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array<ArrayBuffer>
}

/** A tensor as it is stored. */
export interface RawTensor {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  /** In the type of its elements; 16-bit floats as a Uint16Array of bits, blocks and strings as bytes. */
  readonly data: Elements
}

/** An open file, of which only what describes the tensors and the tensors asked for are read. */
export interface TensorFile<Entry extends TensorEntry = TensorEntry, Value = unknown> {
  readonly format: 'safetensors' | 'gguf' | 'onnx' | 'npy' | 'npz'
  /** The source's name. */
  readonly name: string
  /** By name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, Entry>
  readonly metadata: ReadonlyMap<string, Value>
  /**
   * Reads one tensor of floating point numbers, widened to f32 (F64 is rounded), or of blocks, dequantised.
   *
   * @throws RangeError where there is none of that name; FileFormatError where it is of another kind
   */
  read(name: string): Promise<FloatTensor>
  /** Reads one tensor of any kind as it is stored. Throws RangeError where there is none of that name. */
  readRaw(name: string): Promise<RawTensor>
  /** Closes the source. */
  close(): Promise<void>
}

/** How a format gets from an entry to its elements, where that is not plain bytes. */
interface Access<Entry> {
  /** The bytes of a tensor. */
  readonly bytes?: (entry: Entry) => Promise<Uint8Array<ArrayBuffer>>
  /** Widens them; undefined where they are no floating point numbers. */
  readonly floats?: (bytes: Uint8Array<ArrayBuffer>, entry: Entry) => Float32Array<ArrayBuffer> | undefined
}

/** Joins what a format's header said with a source. */
export function tensorFile<Entry extends TensorEntry, Value>(
  format: TensorFile['format'],
  source: ByteSource,
  { tensors, metadata }: Pick<TensorFile<Entry, Value>, 'tensors' | 'metadata'>,
  access: Access<Entry> = {},
): TensorFile<Entry, Value> {
  const {
    bytes = ({ offset, byteLength }) => source.read(offset, byteLength),
    floats = (data, { dtype }) => toFloats(data, dtype),
  } = access
  const find = (name: string): Entry => {
    const entry = tensors.get(name)
    if (entry) return entry
    const [first] = tensors.keys()
    const example = first === undefined ? '' : `, for example ${quote(first)}`
    throw new RangeError(`${source.name}: there is no tensor ${quote(name)} among ${tensors.size}${example}`)
  }
  return {
    format,
    name: source.name,
    tensors,
    metadata,
    async read(name) {
      const entry = find(name)
      const data = floats(await bytes(entry), entry)
      if (data) return { name, shape: entry.shape, data }
      throw new FileFormatError(
        source.name,
        entry.offset,
        `tensor ${quote(name)} is ${entry.dtype}, expected floating point numbers`,
      )
    },
    async readRaw(name) {
      const entry = find(name)
      const { dtype, shape } = entry
      return { name, dtype, shape, data: toElements(await bytes(entry), dtype) }
    },
    close: () => source.close(),
  }
}

/** A name for an error: no longer than a line. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}

/** The product of a shape's extents: exact up to 2^53, beyond it larger than any file. */
export function elementCount(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, extent) => product * extent, 1)
}
