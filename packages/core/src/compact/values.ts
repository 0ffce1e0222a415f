import { describe, rangeError, typeError } from '../errors.ts'
import { BF16_MAX, F16_MAX, fromBf16Bits, fromF16Bits, toBf16Bits, toF16Bits } from './half.ts'

/** How weights can be stored more compactly than in f32. */
export type CompactType = 'f16' | 'bf16' | 'i8'

/** Values as the upper part of their f32 or as IEEE half; arithmetic on them is done in f32. */
export interface HalfValues {
  readonly type: 'f16' | 'bf16'
  /** The bits, in the layout's canonical order. */
  readonly data: Uint16Array
  readonly length: number
}

/** Whole numbers times scales. */
export interface I8Values {
  readonly type: 'i8'
  /** The whole numbers, in the layout's canonical order. */
  readonly data: Int8Array
  readonly length: number
  /**
   * Row-major [rows of the matrix, groups]: the entry at row r and column c has the value
   * `data · scales[r * groups + floor(c / groupColumns)]`, where groups = max(1, ceil(columns / groupColumns)).
   */
  readonly scales: Float32Array
  /** Columns of the matrix that share a scale; at least the number of columns for one scale in each row. */
  readonly groupColumns: number
}

/** Values of a layout in a compact type. All of them are finite. */
export type CompactValues = HalfValues | I8Values

/** How to store values. */
export interface QuantiseOptions {
  type: CompactType
  /** For i8: one scale for each row (the default), or one for each group of so many columns of a row. */
  scales?: 'row' | { columns: number } | undefined
}

/** How these values are stored: what keeps others in the same way. */
export function quantiseOptionsOf(values: CompactValues): QuantiseOptions {
  return values.type === 'i8' ? { type: 'i8', scales: { columns: values.groupColumns } } : { type: values.type }
}

/** Index of the scale of each stored value; {@link UNSCALED} for what lies outside of the matrix (edges of blocks). */
export type ScaleIndices = (groupColumns: number) => Uint32Array

/** The index of an element that has no scale: its value is zero. */
export const UNSCALED = 0xffffffff

/** Scales in each row. */
export function scaleGroups(columns: number, groupColumns: number): number {
  return Math.max(1, Math.ceil(columns / groupColumns))
}

/** Whether a value is a {@link CompactValues} record. */
export function isCompactValues(values: unknown): values is CompactValues {
  return typeof values === 'object' && values !== null && 'type' in values && 'data' in values
}

function expectGroupColumns(options: QuantiseOptions, columns: number, name: string): number {
  const scales = options.scales ?? 'row'
  if (scales === 'row') return Math.max(1, columns)
  const groupColumns = typeof scales === 'object' ? scales.columns : undefined
  if (groupColumns === undefined)
    throw typeError('NNZ_TYPE', `${name}: expected scales to be "row" or { columns }, got ${describe(scales)}`)
  if (!Number.isInteger(groupColumns) || groupColumns < 1 || groupColumns > 2 ** 31)
    throw rangeError(
      'NNZ_VALUE',
      `${name}: expected scales.columns to be a whole number from 1 up, got ${describe(groupColumns)}`,
    )
  return groupColumns
}

/**
 * f32 values in a compact type. i8 is symmetric: each group's scale is its largest magnitude / 127, values are rounded
 * to the nearest multiple, ties to even. f16 and bf16 round to nearest, ties to even; f16 flushes subnormals to zero.
 *
 * @param shape of the matrix, which may have more scales than stored values
 * @throws RangeError for NaN and infinities, and for what is beyond the largest number of f16 or bf16
 */
export function quantiseValues(
  values: Float32Array,
  shape: readonly [number, number],
  options: QuantiseOptions,
  scaleIndices: ScaleIndices,
  name: string,
): CompactValues {
  if (typeof options !== 'object' || options === null)
    throw typeError('NNZ_TYPE', `${name}: expected options such as { type: "i8" }, got ${describe(options)}`)
  // Whether an element of an edge block lies beyond the matrix: nobody reads it, whatever it is.
  const outside = (i: number) => scaleIndices(Math.max(1, shape[1]))[i] === UNSCALED
  switch (options.type) {
    case 'f16':
      return halves(values, 'f16', outside, name)
    case 'bf16':
      return halves(values, 'bf16', outside, name)
    case 'i8': {
      const groupColumns = expectGroupColumns(options, shape[1], name)
      const count = shape[0] * scaleGroups(shape[1], groupColumns)
      return integers(values, groupColumns, scaleIndices(groupColumns), count, name)
    }
    default:
      throw rangeError('NNZ_VALUE', `${name}: expected type "f16", "bf16" or "i8", got ${describe(options.type)}`)
  }
}

function notStorable(type: CompactType, i: number, value: number, name: string): RangeError {
  return rangeError('NNZ_VALUE', `${name}: values[${i}]: ${value} has no place in ${type}`)
}

function halves(values: Float32Array, type: 'f16' | 'bf16', outside: (i: number) => boolean, name: string): HalfValues {
  const data = new Uint16Array(values.length)
  const toBits = type === 'f16' ? toF16Bits : toBf16Bits
  // What rounds down to the largest number is still in range: half a unit in its last place more than it.
  const limit = type === 'f16' ? F16_MAX * (1 + 2 ** -12) : BF16_MAX * (1 + 2 ** -9)
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]) < limit) data[i] = toBits(values[i])
    else if (!outside(i)) throw notStorable(type, i, values[i], name)
  }
  return Object.freeze({ type, data, length: data.length })
}

/** Nearest whole number, ties to even; for magnitudes below 2^51. */
function roundToEven(value: number): number {
  const shift = 3 * 2 ** 51
  return value + shift - shift
}

function integers(
  values: Float32Array,
  groupColumns: number,
  indices: Uint32Array,
  count: number,
  name: string,
): I8Values {
  const scales = new Float32Array(count)
  for (let i = 0; i < values.length; i++) {
    if (indices[i] === UNSCALED) continue
    const magnitude = Math.abs(values[i])
    if (!(magnitude < Number.POSITIVE_INFINITY)) throw notStorable('i8', i, values[i], name)
    if (magnitude > scales[indices[i]]) scales[indices[i]] = magnitude
  }
  for (let i = 0; i < count; i++) scales[i] /= 127
  const data = new Int8Array(values.length)
  for (let i = 0; i < values.length; i++) {
    const scale = indices[i] === UNSCALED ? 0 : scales[indices[i]]
    // A scale among the denormals is coarse, so that the quotient may be larger than 127.
    if (scale > 0) data[i] = Math.max(-127, Math.min(127, roundToEven(values[i] / scale)))
  }
  return Object.freeze({ type: 'i8', data, length: data.length, scales, groupColumns })
}

/** The f32 values that compact ones stand for: exact for f16 and bf16, one rounding for i8. */
export function dequantiseValues(values: CompactValues, scaleIndices: ScaleIndices): Float32Array {
  const result = new Float32Array(values.length)
  if (values.type === 'i8') {
    const indices = scaleIndices(values.groupColumns)
    for (let i = 0; i < result.length; i++) {
      if (indices[i] !== UNSCALED) result[i] = values.data[i] * values.scales[indices[i]]
    }
  } else {
    const fromBits = values.type === 'f16' ? fromF16Bits : fromBf16Bits
    for (let i = 0; i < result.length; i++) result[i] = fromBits(values.data[i])
  }
  return result
}

/**
 * Checks compact values that come from outside, and freezes them.
 *
 * @throws TypeError if an array is of the wrong kind
 * @throws RangeError if there are not as many scales as the shape asks for, or something is not finite
 */
export function expectCompactValues(
  values: CompactValues,
  shape: readonly [number, number],
  name: string,
): CompactValues {
  const { type, data } = values
  const wanted = type === 'i8' ? Int8Array : Uint16Array
  if (type !== 'i8' && type !== 'f16' && type !== 'bf16')
    throw rangeError('NNZ_VALUE', `${name}: expected type "f16", "bf16" or "i8", got ${describe(type)}`)
  if (!(data instanceof wanted))
    throw typeError('NNZ_TYPE', `${name}: data: expected a ${wanted.name}, got ${describe(data)}`)
  if (values.type !== 'i8') {
    const mask = type === 'f16' ? 0x7c00 : 0x7f80
    const at = data.findIndex((bits) => (bits & mask) === mask)
    if (at >= 0) throw rangeError('NNZ_VALUE', `${name}: data[${at}]: expected finite values of ${type}`)
    return Object.freeze({ type: values.type, data: values.data, length: data.length })
  }
  const { scales } = values
  if (!(scales instanceof Float32Array))
    throw typeError('NNZ_TYPE', `${name}: scales: expected a Float32Array, got ${describe(scales)}`)
  const groupColumns = expectGroupColumns({ type, scales: { columns: values.groupColumns } }, shape[1], name)
  const count = shape[0] * scaleGroups(shape[1], groupColumns)
  if (scales.length !== count)
    throw rangeError('NNZ_LAYOUT', `${name}: scales: expected ${count} entries, got ${scales.length}`)
  const at = scales.findIndex((scale) => !(scale >= 0 && scale < Number.POSITIVE_INFINITY))
  if (at >= 0) throw rangeError('NNZ_VALUE', `${name}: scales[${at}]: expected a finite number >= 0, got ${scales[at]}`)
  return Object.freeze({ type: 'i8', data: values.data, length: data.length, scales, groupColumns })
}
