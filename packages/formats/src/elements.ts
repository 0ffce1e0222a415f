import { fromBf16Bits, fromF16Bits, toBf16Bits, toF16Bits } from '@nnz/core/storage'

const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
} as const

/** Elements in the type that they are stored in. */
export type Elements = InstanceType<(typeof ARRAYS)[keyof typeof ARRAYS]> | Uint8Array<ArrayBuffer>

/** Little-endian bytes as elements of a type; bytes for BOOL, U8, F8 and for what is not known. In place where they are aligned. */
export function toElements(bytes: Uint8Array<ArrayBuffer>, dtype: string): Elements {
  if (!Object.hasOwn(ARRAYS, dtype)) return bytes
  const type = ARRAYS[dtype as keyof typeof ARRAYS]
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice()
  return new type(buffer, byteOffset, byteLength / type.BYTES_PER_ELEMENT)
}

/** What one element of a small type stands for. */
const DECODERS: Readonly<Record<string, (bits: number) => number>> = {
  F16: fromF16Bits,
  BF16: fromBf16Bits,
  F8_E4M3: fromF8E4M3Bits,
  // The upper half of an f16.
  F8_E5M2: (bits) => fromF16Bits(bits << 8),
}

/**
 * Floating point numbers of any type (F64, F32, F16, BF16, F8_E4M3, F8_E5M2) from little-endian bytes, in f32: exact, but
 * rounded from F64. Undefined for other types.
 */
export function toFloats(bytes: Uint8Array<ArrayBuffer>, dtype: string): Float32Array<ArrayBuffer> | undefined {
  const elements = toElements(bytes, dtype)
  if (elements instanceof Float32Array) return elements as Float32Array<ArrayBuffer>
  if (elements instanceof Float64Array) return Float32Array.from(elements)
  if (!Object.hasOwn(DECODERS, dtype)) return undefined
  const decode = DECODERS[dtype]
  const result = new Float32Array(elements.length)
  for (let i = 0; i < result.length; i++) result[i] = decode(elements[i] as number)
  return result
}

/** The number that the bits of an F8_E4M3 stand for (Micikevicius et al., arXiv 2209.05433: without infinities); exact. */
export function fromF8E4M3Bits(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1
  const exponent = (bits >> 3) & 15
  const fraction = bits & 7
  if (exponent === 15 && fraction === 7) return Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -9 : sign * (8 + fraction) * 2 ** (exponent - 10)
}

const LEAST_NORMAL_F16 = 2 ** -14

/** Rounded to nearest, ties to even; subnormals stay, other than in what kernels compute with. */
function toF16BitsExactly(value: number): number {
  const magnitude = Math.abs(value)
  if (!(magnitude < LEAST_NORMAL_F16)) return toF16Bits(value)
  const units = magnitude * 2 ** 24
  const below = Math.floor(units)
  const up = units - below > 0.5 || (units - below === 0.5 && below % 2 === 1)
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  return sign | (below + (up ? 1 : 0))
}

/**
 * Numbers of f32 in the type of a file, rounded to nearest: what {@link toFloats} widened comes back bit by bit (NaN as some
 * NaN).
 *
 * @throws RangeError for types other than F64, F32, F16 and BF16
 */
export function fromFloats(data: Float32Array, dtype: string): Float64Array | Float32Array | Uint16Array {
  if (dtype === 'F32') return data
  if (dtype === 'F64') return Float64Array.from(data)
  if (dtype !== 'F16' && dtype !== 'BF16')
    throw new RangeError(`expected one of the types F64, F32, F16 and BF16, got ${dtype}`)
  const encode = dtype === 'F16' ? toF16BitsExactly : toBf16Bits
  const result = new Uint16Array(data.length)
  for (let i = 0; i < result.length; i++) result[i] = encode(data[i])
  return result
}
