import { FileFormatError } from './file-format-error.ts'

/** An array in NumPy's `.npy` format: what its header says, and its raw bytes. */
export interface NpyArray {
  /** For example `<f4`, `<i8`, `|S3`. */
  readonly dtype: string
  readonly shape: readonly number[]
  /** The elements in row-major order. */
  readonly data: Uint8Array
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
const LONGEST_HEADER = 2 ** 16

/**
 * Splits a `.npy` file, version 1 to 3 (NumPy Enhancement Proposal 1), into header and elements.
 *
 * @throws FileFormatError, also for Fortran order, object arrays and big-endian elements.
 */
export function readNpy(bytes: Uint8Array, file: string): NpyArray {
  const fail = (offset: number, message: string): never => {
    throw new FileFormatError(file, offset, message)
  }
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) fail(0, 'not an .npy file')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = bytes[6]
  if (version < 1 || version > 3) fail(6, `expected version 1 to 3 of the .npy format, got ${version}`)
  const start = version === 1 ? 10 : 12
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > LONGEST_HEADER || start + length > bytes.length) fail(8, `a header of ${length} bytes does not fit`)

  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length))
  const dtype = /'descr' *: *'([^']{1,16})'/.exec(header)?.[1] ?? ''
  const itemSize = Number(/^[<|][a-zA-Z](\d{1,6})$/.exec(dtype)?.[1] ?? 0)
  if (itemSize === 0) fail(start, `expected little-endian numbers or strings, got descr ${JSON.stringify(dtype)}`)
  if (!/'fortran_order' *: *False/.test(header)) fail(start, 'expected fortran_order False')
  const shapeText = /'shape' *: *\(([\d, ]*)\)/.exec(header)?.[1] ?? fail(start, 'expected a shape')
  const shape = shapeText.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]))

  const size = shape.reduce((product, extent) => product * extent, itemSize)
  const data = bytes.subarray(start + length)
  if (shape.some(Number.isNaN) || size !== data.length) {
    fail(
      start + length,
      `shape [${shape.slice(0, 8).join(', ')}] of ${dtype} takes ${size} bytes, the file has ${data.length}`,
    )
  }
  return { dtype, shape, data }
}
