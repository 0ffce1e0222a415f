import { type Csr, csr } from '@nnz/core'
import { FileFormatError } from '@nnz/core/storage'
import type { ByteSource } from '../bytes/byte-source.ts'
import { type NpzOptions, openNpz } from '../numpy/npz.ts'
import type { RawTensor } from '../tensor-file.ts'
import { MAX_ELEMENTS, mostColumns, sortRows } from './rows.ts'

/**
 * Reads a matrix that SciPy's `save_npz` wrote from a `csr_matrix` or `csr_array`, compressed or not: indices of 32 or
 * 64 bits, values of 32 or 64 bits (rounded to f32). Columns are sorted inside their rows. Closes the source.
 *
 * @throws FileFormatError, also for other sparse formats, other types and repeated columns
 */
export async function readSparseNpz(source: ByteSource, options: NpzOptions = {}): Promise<Csr> {
  const { name: file } = source
  const fail = (message: string): never => {
    throw new FileFormatError(file, 0, message)
  }
  const arrays = await openNpz(source, options)
  try {
    const get = (name: string): Promise<RawTensor> =>
      arrays.tensors.has(name)
        ? arrays.readRaw(name)
        : fail(`there is no ${name}.npy, so this is not a matrix that SciPy saved`)
    const format = new TextDecoder('latin1').decode((await get('format')).data).replaceAll('\0', '')
    if (format !== 'csr') fail(`expected the format csr, got ${JSON.stringify(format.slice(0, 24))}`)
    const shape = toIndices(await get('shape'), MAX_ELEMENTS, file)
    if (shape.length !== 2) fail(`expected a shape of two numbers, got ${shape.length}`)
    const [rows, columns] = shape
    if (columns > mostColumns(rows)) fail(`${rows}x${columns} are more than ${MAX_ELEMENTS} elements`)
    const columnIndices = toIndices(await get('indices'), columns - 1, file)
    const nnz = columnIndices.length
    const rowOffsets = toIndices(await get('indptr'), nnz, file)
    const values = toValues(await get('data'), file)

    if (values.length !== nnz) fail(`there are ${values.length} values and ${nnz} column indices`)
    if (rowOffsets.length !== rows + 1) fail(`expected ${rows + 1} row offsets, got ${rowOffsets.length}`)
    if (rowOffsets[0] !== 0 || rowOffsets[rows] !== nnz)
      fail(`expected row offsets from 0 to ${nnz}, got ${rowOffsets[0]} to ${rowOffsets[rows]}`)
    for (let row = 0; row < rows; row++)
      if (rowOffsets[row + 1] < rowOffsets[row]) fail(`row offset ${row + 1} is smaller than the one before it`)
    const repeated = sortRows(rowOffsets, columnIndices, values)
    if (repeated >= 0) fail(`column ${columnIndices[repeated]} stands twice in one row`)
    return csr({ shape: [rows, columns], rowOffsets, columnIndices, values })
  } finally {
    await arrays.close()
  }
}

/** Whole numbers of 32 or 64 bits in 0..max. */
function toIndices({ name, dtype, shape, data }: RawTensor, max: number, file: string): Uint32Array {
  const fail = (at: number, message: string): never => {
    throw new FileFormatError(`${file}/${name}.npy`, at, message)
  }
  if (!/^[IU](32|64)$/.test(dtype) || shape.length !== 1)
    fail(0, `expected a one-dimensional array of I32 or I64, got ${shape.length} dimensions of ${dtype}`)
  const indices = new Uint32Array(data.length)
  for (let i = 0; i < indices.length; i++) {
    const index = Number(data[i])
    if (!(index >= 0 && index <= max)) fail(i * data.BYTES_PER_ELEMENT, `element ${i} is not in 0..${max}`)
    indices[i] = index
  }
  return indices
}

function toValues({ name, dtype, shape, data }: RawTensor, file: string): Float32Array {
  if (shape.length === 1 && data instanceof Float32Array) return data
  if (shape.length === 1 && data instanceof Float64Array) return Float32Array.from(data)
  throw new FileFormatError(
    `${file}/${name}.npy`,
    0,
    `expected a one-dimensional array of F32 or F64, got ${shape.length} dimensions of ${dtype}`,
  )
}
