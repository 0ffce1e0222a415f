import { describe, rangeError, typeError } from '@nnz/core'

/** Checks a whole number from `least` to 2^31. */
export function expectExtent(value: unknown, least: number, name: string): number {
  if (typeof value !== 'number') throw typeError('NNZ_TYPE', `${name}: expected a number, got ${describe(value)}`)
  if (!Number.isInteger(value) || value < least || value > 2 ** 31)
    throw rangeError('NNZ_VALUE', `${name}: expected a whole number in ${least}..2^31, got ${value}`)
  return value
}

/** Whether a value has entries that are counted: an array or a typed array, for example. */
export function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { length?: unknown }).length === 'number'
}

/** A Uint32Array as it is, any other array of whole numbers converted. */
export function toIndices(data: unknown, name: string): Uint32Array {
  if (data instanceof Uint32Array) return data
  if (!Array.isArray(data) && (!ArrayBuffer.isView(data) || data instanceof DataView))
    throw typeError('NNZ_TYPE', `${name}: expected an array of whole numbers, got ${describe(data)}`)
  const source = data as ArrayLike<number>
  return Uint32Array.from({ length: source.length }, (_, i) => {
    const value = Number(source[i])
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff)
      throw rangeError('NNZ_LAYOUT', `${name}[${i}]: expected a whole number in 0..2^32-1, got ${describe(source[i])}`)
    return value
  })
}

/** Checks a length. */
export function checkLength(array: ArrayLike<unknown>, length: number, name: string): void {
  if (array.length !== length)
    throw rangeError('NNZ_LAYOUT', `${name}: expected ${length} entries, got ${array.length}`)
}

/** Offsets start at 0, never fall, and end at `end`. */
export function checkOffsets(offsets: Uint32Array, groups: number, end: number, name: string): void {
  checkLength(offsets, groups + 1, name)
  for (let i = 0; i <= groups; i++) {
    const least = i === 0 ? 0 : offsets[i - 1]
    const most = i === 0 ? 0 : end
    if (offsets[i] < least || offsets[i] > most || (i === groups && offsets[i] !== end))
      throw rangeError(
        'NNZ_LAYOUT',
        `${name}[${i}]: expected ${i === groups ? end : `a number in ${least}..${most}`}, got ${offsets[i]}`,
      )
  }
}

/** Inside each group indices rise strictly and stay below `limit`. */
export function checkRising(offsets: Uint32Array, indices: Uint32Array, limit: number, name: string): void {
  for (let group = 0; group < offsets.length - 1; group++) {
    for (let i = offsets[group]; i < offsets[group + 1]; i++) {
      const least = i === offsets[group] ? 0 : indices[i - 1] + 1
      if (indices[i] < least || indices[i] >= limit)
        throw rangeError(
          'NNZ_LAYOUT',
          `${name}[${i}]: expected rising indices below ${limit} inside a block row, got ${indices[i]}${
            least > 0 ? ` after ${least - 1}` : ''
          }`,
        )
    }
  }
}
