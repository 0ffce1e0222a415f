import { describe, rangeError, typeError } from './errors.ts'

/** Element types of tensors. Compact storage types join here when kernels use them. */
export type Dtype = 'f32'

/**
 * A dense array with a shape. `strides` count elements, not bytes; element `[i, j]` stands at
 * `data[i * strides[0] + j * strides[1]]`.
 */
export interface Tensor {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  /** The elements. For a tensor in a backend's memory this is a fresh live view at each access. */
  readonly data: Float32Array
}

/** A tensor in a backend's memory, released by `dispose()` or when it and all its views are unreachable. */
export interface BackendTensor extends Tensor, Partial<Disposable> {
  dispose(): void
}

/** A backend that can hold tensors in memory of its own. */
export interface TensorHost {
  allocateTensor(shape: readonly number[]): BackendTensor
}

/** Options of {@link tensor}. */
export interface TensorOptions {
  /** Distance between neighbours along each axis, in elements. Default: row-major without gaps. */
  strides?: readonly number[]
}

/**
 * The largest extent beside one of 0: nothing is stored there, but loops run over it, and a file of a few bytes could name
 * any.
 */
const LARGEST_EMPTY = 2 ** 24

/** Refuses a shape without elements that is immense all the same. */
export function checkEmpty(shape: readonly number[], name: string): void {
  if (shape.includes(0) && shape.some((extent) => extent > LARGEST_EMPTY)) {
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: [${shape.join(', ')}] has no elements, expected extents of at most 2^24 beside a 0`,
    )
  }
}

/** Checks a shape (each extent a whole number from 0 up) and returns its number of elements. */
export function elementCount(shape: readonly number[], name: string): number {
  if (!Array.isArray(shape))
    throw typeError('NNZ_TYPE', `${name}: expected a shape such as [rows, columns], got ${describe(shape)}`)
  let count = 1
  for (const extent of shape) {
    if (!Number.isInteger(extent) || extent < 0) {
      throw rangeError('NNZ_SHAPE', `${name}: expected extents that are whole numbers >= 0, got [${shape.join(', ')}]`)
    }
    count *= extent
  }
  if (count > 2 ** 31)
    throw rangeError('NNZ_SHAPE', `${name}: [${shape.join(', ')}] has ${count} elements, expected at most 2^31`)
  checkEmpty(shape, name)
  return count
}

/** Row-major strides of a shape, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]
  }
  return strides
}

/**
 * Wraps an array as a tensor. A Float32Array is wrapped without a copy; other typed arrays and arrays of numbers are
 * converted to f32.
 *
 * @param data elements, row-major unless `strides` says otherwise
 * @param shape extents, for example `[rows, columns]`
 * @throws TypeError if `data` is not an array of numbers
 * @throws RangeError if `data` is too short for the shape and strides (or, without strides, not exactly as long)
 */
export function tensor(data: ArrayLike<number>, shape: readonly number[], options: TensorOptions = {}): Tensor {
  const values = toFloat32(data, 'tensor')
  const count = elementCount(shape, 'tensor')
  const strides = options.strides
  if (!strides) {
    if (values.length !== count) {
      throw rangeError(
        'NNZ_SHAPE',
        `tensor: data has ${values.length} elements, expected ${count} for [${shape.join(', ')}]`,
      )
    }
    return wrap(values, shape, rowMajorStrides(shape))
  }
  checkStrides(shape, strides, values, 'tensor')
  return wrap(values, shape, strides)
}

/** Tensors that `tensor` made: their strides were checked. */
const made = new WeakSet<object>()

function wrap(data: Float32Array, shape: readonly number[], strides: readonly number[]): Tensor {
  const result: Tensor = Object.freeze({
    dtype: 'f32',
    shape: Object.freeze([...shape]),
    strides: Object.freeze([...strides]),
    data,
  })
  made.add(result)
  return result
}

/** Every element must lie inside the data. */
function checkStrides(
  shape: readonly number[],
  strides: readonly number[],
  data: ArrayLike<number>,
  name: string,
): void {
  const count = elementCount(shape, name)
  if (!Array.isArray(strides) || strides.length !== shape.length) {
    throw rangeError('NNZ_SHAPE', `${name}: expected ${shape.length} strides, got ${describe(strides)}`)
  }
  let last = 0
  for (let axis = 0; axis < shape.length; axis++) {
    if (!Number.isInteger(strides[axis]) || strides[axis] < 0) {
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: expected strides that are whole numbers >= 0, got [${strides.join(', ')}]`,
      )
    }
    last += Math.max(0, shape[axis] - 1) * strides[axis]
  }
  if (count > 0 && last >= data.length) {
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: strides [${strides.join(', ')}] reach element ${last}, data has ${data.length}`,
    )
  }
}

/**
 * A tensor of zeros, on the JS heap or, with `backend`, in that backend's memory, where operations read and write it
 * without copying.
 *
 * @throws RangeError if the shape is not made of whole numbers >= 0 or memory is exhausted
 */
export function zeros(shape: readonly number[], options: { dtype?: Dtype; backend: TensorHost }): BackendTensor
export function zeros(shape: readonly number[], options?: { dtype?: Dtype; backend?: TensorHost }): Tensor
export function zeros(shape: readonly number[], options: { dtype?: Dtype; backend?: TensorHost } = {}): Tensor {
  const dtype = options.dtype ?? 'f32'
  if (dtype !== 'f32') throw rangeError('NNZ_VALUE', `zeros: expected dtype "f32", got ${describe(dtype)}`)
  const count = elementCount(shape, 'zeros')
  const host = options.backend
  if (host === undefined) return tensor(new Float32Array(count), shape)
  if (typeof host?.allocateTensor !== 'function') {
    throw typeError('NNZ_TYPE', `zeros: expected a backend with memory of its own, got ${describe(host)}`)
  }
  return host.allocateTensor(shape)
}

/** Whether a value is a tensor: it has the fields of one, and its elements lie in a Float32Array. */
export function isTensor(value: unknown): value is Tensor {
  return (
    typeof value === 'object' &&
    value !== null &&
    'dtype' in value &&
    value.dtype === 'f32' &&
    'strides' in value &&
    'shape' in value &&
    Array.isArray(value.shape) &&
    'data' in value &&
    value.data instanceof Float32Array
  )
}

/** Checks that a value is a matrix (a tensor with two axes) and returns it. */
export function expectMatrix(value: unknown, name: string): Tensor {
  if (!isTensor(value)) throw typeError('NNZ_TYPE', `${name}: expected a tensor, got ${describe(value)}`)
  if (value.shape.length !== 2) {
    throw rangeError('NNZ_SHAPE', `${name}: expected a matrix, got ${describe(value)}`)
  }
  if (!made.has(value)) checkStrides(value.shape, value.strides, value.data, name)
  return value
}

/** As {@link expectMatrix}, for a matrix that will be written: no two elements may share a place. */
export function expectOutput(value: unknown, name: string): Tensor {
  const matrix = expectMatrix(value, name)
  const [rows, columns] = matrix.shape
  const [rowStride, columnStride] = matrix.strides
  const apart =
    rowStride >= columnStride ? rowStride > (columns - 1) * columnStride : columnStride > (rows - 1) * rowStride
  if (rows * columns > 1 && !(apart && (rows === 1 || rowStride > 0) && (columns === 1 || columnStride > 0))) {
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected strides that keep elements apart, got [${matrix.strides.join(', ')}] for [${rows}, ${columns}]`,
    )
  }
  return matrix
}

/** The same elements seen with rows and columns swapped; nothing is copied. */
export function transposed(matrix: Tensor): Tensor {
  const [rows, columns] = matrix.shape
  const [rowStride, columnStride] = matrix.strides
  return {
    dtype: matrix.dtype,
    shape: [columns, rows],
    strides: [columnStride, rowStride],
    get data() {
      return matrix.data
    },
  }
}

/** Buffers of one growing memory: each growth makes a new one over the same bytes. */
const memoryOf = new WeakMap<ArrayBufferLike, object>()

/** Notes that `buffer` shows the bytes of `memory`. */
export function noteMemoryBuffer(buffer: ArrayBufferLike, memory: object): void {
  memoryOf.set(buffer, memory)
}

/** Whether two buffers show the same bytes. */
export function sameMemory(a: ArrayBufferLike, b: ArrayBufferLike): boolean {
  return a === b || (memoryOf.get(a) !== undefined && memoryOf.get(a) === memoryOf.get(b))
}

/** Whether two tensors can touch the same bytes. */
export function overlaps(a: Tensor, b: Tensor): boolean {
  return arraysOverlap(a.data, b.data)
}

/** Whether two arrays can touch the same bytes. */
export function arraysOverlap(x: Float32Array, y: Float32Array): boolean {
  if (!sameMemory(x.buffer, y.buffer) || x.length === 0 || y.length === 0) return false
  return x.byteOffset < y.byteOffset + y.byteLength && y.byteOffset < x.byteOffset + x.byteLength
}

/** The values that an `updateValues` is given, as f32: as many as `count`, else a RangeError in the operation's name. */
export function expectValues(values: unknown, count: number, operation: string): Float32Array {
  const data = toFloat32(values, `${operation}: values`)
  if (data.length === count) return data
  throw rangeError('NNZ_SHAPE', `${operation}: updateValues got ${data.length} values, expected ${count}`)
}

/** A Float32Array as it is, any other array of numbers converted. */
export function toFloat32(data: unknown, name: string): Float32Array {
  if (data instanceof Float32Array) return data
  if ((ArrayBuffer.isView(data) && !(data instanceof DataView)) || Array.isArray(data)) {
    if (
      data instanceof BigInt64Array ||
      data instanceof BigUint64Array ||
      (Array.isArray(data) && data.some((v) => typeof v !== 'number'))
    ) {
      throw typeError('NNZ_TYPE', `${name}: expected numbers, got ${describe(data)} with other elements`)
    }
    return Float32Array.from(data as ArrayLike<number>)
  }
  throw typeError('NNZ_TYPE', `${name}: expected a typed array of numbers, got ${describe(data)}`)
}
