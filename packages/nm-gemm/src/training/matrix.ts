import { describe, expectMatrix, type NmPattern, rangeError, typeError } from '@nnz/core'

/** A matrix's elements, row-major and without gaps. */
export interface DenseMatrix {
  readonly rows: number
  readonly columns: number
  readonly data: Float32Array
}

/** Checks a matrix and returns its elements; a view with other strides is copied. */
export function rowMajor(value: unknown, name: string): DenseMatrix {
  const matrix = expectMatrix(value, name)
  const [rows, columns] = matrix.shape
  const [rowStride, columnStride] = matrix.strides
  const source = matrix.data
  if (columnStride === 1 && rowStride === columns) return { rows, columns, data: source.subarray(0, rows * columns) }
  const data = new Float32Array(rows * columns)
  for (let row = 0, at = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) data[at++] = source[row * rowStride + column * columnStride]
  return { rows, columns, data }
}

/** Throws where an element is infinite or NaN: magnitudes could not be compared, or sums not be formed. */
export function expectFinite({ data, columns }: DenseMatrix, name: string): void {
  // The sum of products with zero is zero unless one of them is not finite.
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += data[i] * 0
  if (sum === 0) return
  const at = data.findIndex((value) => !Number.isFinite(value))
  throw rangeError(
    'NNZ_VALUE',
    `${name}: expected finite elements, got ${data[at]} in row ${Math.floor(at / columns)}, column ${at % columns}`,
  )
}

/** Checks n and m. */
export function expectPattern({ n, m }: NmPattern, name: string): void {
  if (!Number.isInteger(m) || m < 1 || m > 32)
    throw rangeError('NNZ_VALUE', `${name}: expected m to be a whole number in 1..32, got ${describe(m)}`)
  if (!Number.isInteger(n) || n < 1 || n > m)
    throw rangeError('NNZ_VALUE', `${name}: expected n to be a whole number in 1..${m}, got ${describe(n)}`)
}

/** Checks a mask of so many elements. */
export function expectMask(mask: unknown, length: number, name: string): Uint8Array {
  if (!(mask instanceof Uint8Array))
    throw typeError('NNZ_TYPE', `${name}: expected a Uint8Array of zeros and ones, got ${describe(mask)}`)
  if (mask.length !== length) throw rangeError('NNZ_SHAPE', `${name} has ${mask.length} elements, expected ${length}`)
  return mask
}

/** Checks that a value is a matrix of that shape. */
export function expectShape(value: unknown, [rows, columns]: readonly number[], name: string): void {
  const { shape } = expectMatrix(value, name)
  if (shape[0] !== rows || shape[1] !== columns)
    throw rangeError('NNZ_SHAPE', `${name} is [${shape.join(', ')}], expected [${rows}, ${columns}]`)
}
