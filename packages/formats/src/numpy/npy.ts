import { FileFormatError } from '@nnz/core/storage'
import { type ByteSource, closingOnFailure } from '../bytes/byte-source.ts'
import { elementCount, type TensorEntry, type TensorFile, tensorFile } from '../tensor-file.ts'

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
const LONGEST_HEADER = 2 ** 16
const PREFIX_BYTES = 12
const DTYPES: Readonly<Record<string, string>> = {
  '<f8': 'F64',
  '<f4': 'F32',
  '<f2': 'F16',
  '<i8': 'I64',
  '<u8': 'U64',
  '<i4': 'I32',
  '<u4': 'U32',
  '<i2': 'I16',
  '<u2': 'U16',
  '|i1': 'I8',
  '|u1': 'U8',
  '|b1': 'BOOL',
}

/**
 * Opens one array in NumPy's `.npy` format, version 1 to 3 (NumPy Enhancement Proposal 1), as a file of one tensor that is
 * called as the file is, without `.npy`. Types that are no plain numbers keep NumPy's name (`|S3`) and read as bytes.
 *
 * @throws FileFormatError, also for Fortran order, object arrays and big-endian elements
 */
export function openNpy(source: ByteSource): Promise<TensorFile<TensorEntry, never>> {
  return closingOnFailure(source, async () => {
    const beginning = await source.read(0, Math.min(source.size, PREFIX_BYTES + LONGEST_HEADER))
    const entry = parseNpyHeader(beginning, source.size, source.name, source.name.replace(/\.npy$/, ''))
    return tensorFile('npy', source, { tensors: new Map([[entry.name, entry]]), metadata: new Map<string, never>() })
  })
}

/** @param beginning the first 64 kB, or the whole file */
export function parseNpyHeader(beginning: Uint8Array, fileSize: number, file: string, name: string): TensorEntry {
  const fail = (offset: number, message: string): never => {
    throw new FileFormatError(file, offset, message)
  }
  if (beginning.length < PREFIX_BYTES || MAGIC.some((byte, i) => beginning[i] !== byte)) fail(0, 'not an .npy file')
  const view = new DataView(beginning.buffer, beginning.byteOffset, beginning.byteLength)
  const version = beginning[6]
  if (version < 1 || version > 3) fail(6, `expected version 1 to 3 of the .npy format, got ${version}`)
  const start = version === 1 ? 10 : 12
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > LONGEST_HEADER || start + length > beginning.length) fail(8, `a header of ${length} bytes does not fit`)

  const header = new TextDecoder('latin1').decode(beginning.subarray(start, start + length))
  const description = /'descr' *: *'([^']{1,16})'/.exec(header)?.[1] ?? ''
  const [, kind, digits] = /^[<|]([a-zA-Z])(\d{1,6})$/.exec(description) ?? []
  // Characters of U are four bytes each; objects are pickled.
  const itemSize = kind === 'O' ? 0 : Number(digits ?? 0) * (kind === 'U' ? 4 : 1)
  if (itemSize === 0) fail(start, `expected little-endian numbers or strings, got descr ${JSON.stringify(description)}`)
  if (!/'fortran_order' *: *False/.test(header))
    fail(start, 'expected fortran_order False: np.ascontiguousarray gives such an array')
  const extents = /'shape' *: *\(([\d, ]*)\)/.exec(header)?.[1] ?? fail(start, 'expected a shape')
  const shape = extents.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]))

  const byteLength = elementCount(shape) * itemSize
  const offset = start + length
  if (!shape.every(Number.isSafeInteger) || byteLength !== fileSize - offset)
    fail(
      offset,
      `[${shape.slice(0, 8).join(', ')}] of ${description} takes ${byteLength} bytes, the file has ${fileSize - offset}`,
    )
  return { name, dtype: DTYPES[description] ?? description, shape, offset, byteLength }
}
