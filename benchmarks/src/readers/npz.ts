import { type Csr, csr } from '@nnz/core'
import { unzipSync } from 'fflate'
import { FileFormatError } from './file-format-error.ts'
import { type NpyArray, readNpy } from './npy.ts'
import { MAX_ELEMENTS, mostColumns, sortRows } from './rows.ts'

const PARTS = ['format', 'shape', 'indptr', 'indices', 'data'] as const
const MOST_ENTRIES = 64
/** Bytes unpacked per byte of the file, beyond the first mebibyte: far more than index arrays compress, far less than a bomb. */
const MOST_EXPANSION = 64
const UNPACKED_ALWAYS_ALLOWED = 2 ** 20

/**
 * Reads a matrix that SciPy's `save_npz` wrote from a `csr_matrix` or `csr_array`, compressed or not: indices of 32 or
 * 64 bits, values of 32 or 64 bits (rounded to f32). Columns are sorted inside their rows.
 *
 * @throws FileFormatError, also for other sparse formats, other types and repeated columns.
 */
export function readNpz(bytes: Uint8Array, file: string): Csr {
  const fail = (message: string): never => {
    throw new FileFormatError(file, 0, message)
  }
  const arrays = unpack(bytes, file)
  const get = (part: (typeof PARTS)[number]): NpyArray =>
    arrays.get(part) ?? fail(`there is no ${part}.npy, so this is not a matrix that SciPy saved`)

  const format = new TextDecoder('latin1').decode(get('format').data).replaceAll('\0', '')
  if (format !== 'csr') fail(`expected the format csr, got ${JSON.stringify(format.slice(0, 24))}`)
  const shape = toIndices(get('shape'), MAX_ELEMENTS, `${file}/shape.npy`)
  if (shape.length !== 2) fail(`expected a shape of two numbers, got ${shape.length}`)
  const [rows, columns] = shape
  if (columns > mostColumns(rows)) fail(`${rows}x${columns} are more than ${MAX_ELEMENTS} elements`)
  const columnIndices = toIndices(get('indices'), columns - 1, `${file}/indices.npy`)
  const nnz = columnIndices.length
  const rowOffsets = toIndices(get('indptr'), nnz, `${file}/indptr.npy`)
  const values = toFloats(get('data'), `${file}/data.npy`)

  if (values.length !== nnz) fail(`there are ${values.length} values and ${nnz} column indices`)
  if (rowOffsets.length !== rows + 1) fail(`expected ${rows + 1} row offsets, got ${rowOffsets.length}`)
  if (rowOffsets[0] !== 0 || rowOffsets[rows] !== nnz)
    fail(`expected row offsets from 0 to ${nnz}, got ${rowOffsets[0]} to ${rowOffsets[rows]}`)
  for (let row = 0; row < rows; row++)
    if (rowOffsets[row + 1] < rowOffsets[row]) fail(`row offset ${row + 1} is smaller than the one before it`)
  const repeated = sortRows(rowOffsets, columnIndices, values)
  if (repeated >= 0) fail(`column ${columnIndices[repeated]} stands twice in one row`)
  return csr({ shape: [rows, columns], rowOffsets, columnIndices, values })
}

function unpack(bytes: Uint8Array, file: string): Map<string, NpyArray> {
  const budget = UNPACKED_ALWAYS_ALLOWED + MOST_EXPANSION * bytes.length
  const wanted = new Map<string, number>()
  let entries = 0
  let total = 0
  let unpacked: Record<string, Uint8Array>
  try {
    unpacked = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (++entries > MOST_ENTRIES) throw new RangeError(`there are more than ${MOST_ENTRIES} entries`)
        if (!PARTS.some((part) => name === `${part}.npy`)) return false
        if (wanted.has(name)) throw new RangeError(`${name} stands twice`)
        if ((total += originalSize) > budget) throw new RangeError(`unpacking takes more than ${budget} bytes`)
        wanted.set(name, originalSize)
        return true
      },
    })
  } catch (cause) {
    throw new FileFormatError(
      file,
      0,
      `not a zip file that can be read: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    )
  }
  const arrays = new Map<string, NpyArray>()
  for (const [name, size] of wanted) {
    if (unpacked[name]?.length !== size) throw new FileFormatError(file, 0, `${name} does not unpack to ${size} bytes`)
    arrays.set(name.slice(0, -'.npy'.length), readNpy(unpacked[name], `${file}/${name}`))
  }
  return arrays
}

/** Whole numbers of 32 or 64 bits in 0..max. */
function toIndices({ dtype, shape, data }: NpyArray, max: number, file: string): Uint32Array {
  const size = /^<[iu]([48])$/.exec(dtype)?.[1]
  if (size === undefined || shape.length !== 1) {
    throw new FileFormatError(
      file,
      0,
      `expected a one-dimensional array of <i4 or <i8, got ${shape.length} dimensions of ${dtype}`,
    )
  }
  const bytesPerElement = Number(size)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const indices = new Uint32Array(shape[0])
  for (let i = 0, at = 0; i < indices.length; i++, at += bytesPerElement) {
    const low = view.getUint32(at, true)
    const high = bytesPerElement === 8 ? view.getUint32(at + 4, true) : 0
    if (high !== 0 || low > max) throw new FileFormatError(file, at, `element ${i} is not in 0..${max}`)
    indices[i] = low
  }
  return indices
}

function toFloats({ dtype, shape, data }: NpyArray, file: string): Float32Array {
  if ((dtype !== '<f4' && dtype !== '<f8') || shape.length !== 1) {
    throw new FileFormatError(
      file,
      0,
      `expected a one-dimensional array of <f4 or <f8, got ${shape.length} dimensions of ${dtype}`,
    )
  }
  const aligned = data.slice().buffer
  return dtype === '<f4' ? new Float32Array(aligned) : Float32Array.from(new Float64Array(aligned))
}
