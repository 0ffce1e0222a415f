import { type Tensor, tensor } from '@nnz/core'

/** The elements of a matrix, row-major without gaps: its own data where they are that already, else a copy. */
export function rowMajor(x: Tensor): Float32Array {
  const [rows, columns] = x.shape
  const [rowStride, columnStride] = x.strides
  const source = x.data
  if ((columnStride === 1 || columns <= 1) && (rowStride === columns || rows <= 1))
    return source.subarray(0, rows * columns)
  const values = new Float32Array(rows * columns)
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) values[at++] = source[row * rowStride + column * columnStride]
  return values
}

/** The chosen columns of a matrix, copied side by side. */
export function gatherColumns(x: Tensor, columns: Uint32Array): Tensor {
  const [rows] = x.shape
  const [rowStride, columnStride] = x.strides
  const source = x.data
  const values = new Float32Array(rows * columns.length)
  for (let row = 0, at = 0; row < rows; row++)
    for (let i = 0; i < columns.length; i++) values[at++] = source[row * rowStride + columns[i] * columnStride]
  return tensor(values, [rows, columns.length])
}

/** Sums of the columns of a matrix, taken in f64. */
export function columnSums(x: Tensor): Float32Array {
  const columns = x.shape[1]
  const sums = new Float64Array(columns)
  const source = rowMajor(x)
  for (let i = 0; i < source.length; ) for (let column = 0; column < columns; column++) sums[column] += source[i++]
  return Float32Array.from(sums)
}
