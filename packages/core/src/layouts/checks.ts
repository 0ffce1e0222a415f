import { describe, rangeError, typeError } from '../errors.ts'
import { checkEmpty, elementCount } from '../tensor.ts'

/** Marks records that passed their constructor, so that no operation checks them again. */
export const checked = new WeakSet<object>()

/** The largest extent: beyond it 32-bit indices and offsets end. */
const LARGEST = 2 ** 31

/** Checks a [rows, columns] shape. Its area may be larger than any dense array: only what is stored counts. */
export function expectShape(shape: unknown, name: string): readonly [number, number] {
  if (!Array.isArray(shape)) {
    throw typeError('NNZ_TYPE', `${name}: expected a shape such as [rows, columns], got ${describe(shape)}`)
  }
  if (shape.length !== 2 || !shape.every((extent) => Number.isInteger(extent) && extent >= 0 && extent <= LARGEST)) {
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected a shape [rows, columns] of whole numbers in 0..2^31, got [${shape.join(', ')}]`,
    )
  }
  checkEmpty(shape, name)
  return Object.freeze([shape[0], shape[1]] as const)
}

/** Room for a shape's elements. */
export function denseArray(shape: readonly [number, number], name: string): Float32Array {
  return new Float32Array(elementCount(shape, name))
}

/** Index arrays are kept as Uint32Array; a Uint32Array is taken as it is, others are converted and checked. */
export function toIndices(data: unknown, name: string): Uint32Array {
  if (data instanceof Uint32Array) return data
  if (Array.isArray(data) || (ArrayBuffer.isView(data) && !(data instanceof DataView))) {
    const source = data as ArrayLike<number>
    const indices = new Uint32Array(source.length)
    for (let i = 0; i < source.length; i++) {
      // PyTorch and SciPy hold indices as 64-bit integers.
      const value = typeof source[i] === 'bigint' ? Number(source[i]) : source[i]
      if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
        throw rangeError(
          'NNZ_LAYOUT',
          `${name}[${i}]: expected a whole number in 0..2^32-1, got ${describe(source[i])}`,
        )
      }
      indices[i] = value
    }
    return indices
  }
  throw typeError('NNZ_TYPE', `${name}: expected an array of indices, got ${describe(data)}`)
}

/** Offsets start at 0, never fall, and end at `end`. */
export function checkOffsets(offsets: Uint32Array, groups: number, end: number, name: string): void {
  if (offsets.length !== groups + 1) {
    throw rangeError('NNZ_LAYOUT', `${name}: expected ${groups + 1} entries, got ${offsets.length}`)
  }
  if (offsets[0] !== 0) throw rangeError('NNZ_LAYOUT', `${name}[0]: expected 0, got ${offsets[0]}`)
  for (let i = 0; i < groups; i++) {
    if (offsets[i + 1] < offsets[i]) {
      throw rangeError(
        'NNZ_LAYOUT',
        `${name}[${i + 1}]: expected at least ${offsets[i]} (the entry before), got ${offsets[i + 1]}`,
      )
    }
  }
  if (offsets[groups] !== end) {
    throw rangeError(
      'NNZ_LAYOUT',
      `${name}[${groups}]: expected ${end} (the number of entries), got ${offsets[groups]}`,
    )
  }
}

/** Inside each group indices rise strictly and stay below `limit`. */
export function checkSortedIndices(offsets: Uint32Array, indices: Uint32Array, limit: number, name: string): void {
  for (let group = 0; group < offsets.length - 1; group++) {
    let previous = -1
    for (let i = offsets[group]; i < offsets[group + 1]; i++) {
      const index = indices[i]
      if (index >= limit)
        throw rangeError('NNZ_LAYOUT', `${name}[${i}]: expected an index below ${limit}, got ${index}`)
      if (index <= previous) {
        const reason = index === previous ? 'a duplicate of' : 'smaller than'
        throw rangeError(
          'NNZ_LAYOUT',
          `${name}[${i}]: expected rising indices inside a group, ${index} is ${reason} the one before`,
        )
      }
      previous = index
    }
  }
}

/** Checks that an array has exactly `length` entries. */
export function checkLength(array: { readonly length: number }, length: number, name: string): void {
  if (array.length !== length)
    throw rangeError('NNZ_LAYOUT', `${name}: expected ${length} entries, got ${array.length}`)
}

/** Checks the data of a dense matrix given to `fromDense`. */
export function expectDense(data: ArrayLike<number>, shape: readonly [number, number], name: string): void {
  if (typeof data !== 'object' || data === null || typeof data.length !== 'number') {
    throw typeError('NNZ_TYPE', `${name}: expected an array of numbers, got ${describe(data)}`)
  }
  const count = shape[0] * shape[1]
  if (data.length !== count) {
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: data has ${data.length} elements, expected ${count} for [${shape.join(', ')}]`,
    )
  }
}

/** Compressed axis arrays of a matrix seen the other way round; `order[i]` is where entry i of the result came from. */
export function transposeCompressed(
  groups: number,
  limit: number,
  offsets: Uint32Array,
  indices: Uint32Array,
): { offsets: Uint32Array; indices: Uint32Array; order: Uint32Array } {
  const newOffsets = new Uint32Array(limit + 1)
  for (let i = 0; i < indices.length; i++) newOffsets[indices[i] + 1]++
  for (let i = 0; i < limit; i++) newOffsets[i + 1] += newOffsets[i]
  const next = newOffsets.slice(0, limit)
  const newIndices = new Uint32Array(indices.length)
  const order = new Uint32Array(indices.length)
  for (let group = 0; group < groups; group++) {
    for (let i = offsets[group]; i < offsets[group + 1]; i++) {
      const target = next[indices[i]]++
      newIndices[target] = group
      order[target] = i
    }
  }
  return { offsets: newOffsets, indices: newIndices, order }
}

/** `values[order[i]]` for every i. */
export function permute(values: Float32Array, order: Uint32Array): Float32Array {
  const result = new Float32Array(order.length)
  for (let i = 0; i < order.length; i++) result[i] = values[order[i]]
  return result
}
