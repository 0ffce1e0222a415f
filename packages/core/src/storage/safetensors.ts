import { rangeError } from '../errors.ts'
import { duplicateKey } from './duplicate-key.ts'
import { fileError } from './file-error.ts'

// The container: github.com/huggingface/safetensors, "Format". Eight bytes with the length of a JSON header, the header,
// then the bytes of all tensors without holes.

/** Element types that a typed array of their own holds. */
export const ARRAY_TYPES = {
  F32: Float32Array,
  U32: Uint32Array,
  I32: Int32Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
} as const

/** An element type of arrays. */
export type ElementType = keyof typeof ARRAY_TYPES

/** Bytes of all element types of the format but those smaller than a byte. */
const ELEMENT_BYTES: ReadonlyMap<string, number> = new Map(
  Object.entries({ F64: 8, I64: 8, U64: 8, F32: 4, U32: 4, I32: 4, F16: 2, BF16: 2, U16: 2, I16: 2 }).concat(
    Object.entries({ I8: 1, U8: 1, BOOL: 1, F8_E4M3: 1, F8_E5M2: 1 }),
  ),
)

/** One tensor of a file. */
export interface FileTensor {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  /** Its bytes, a view of the file. */
  readonly bytes: Uint8Array
  /** Where they begin, counted from the beginning of the file. */
  readonly offset: number
}

const LENGTH_BYTES = 8
/** The format's own limit. */
const LONGEST_HEADER = 100_000_000
const METADATA = '__metadata__'

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Reads the header and checks that types, shapes and offsets fit the file, without holes or overlaps.
 *
 * @param file name for errors
 * @throws RangeError with the file and the offset of what is wrong
 */
export function parseSafetensors(
  bytes: Uint8Array,
  file: string,
): { tensors: Map<string, FileTensor>; metadata: Map<string, string> } {
  if (bytes.length < LENGTH_BYTES)
    throw fileError(file, 0, `expected a header length of ${LENGTH_BYTES} bytes, the file has ${bytes.length}`)
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  const most = Math.min(LONGEST_HEADER, bytes.length - LENGTH_BYTES)
  if (length > most) throw fileError(file, 0, `a header of ${length} bytes does not fit, at most ${most} bytes do`)
  const dataStart = LENGTH_BYTES + Number(length)
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart), file)
  const metadata = new Map<string, string>()
  const described = header[METADATA]
  if (described !== undefined) {
    if (!isObject(described)) throw fileError(file, LENGTH_BYTES, `${METADATA} is not an object`)
    for (const [key, value] of Object.entries(described)) {
      if (typeof value !== 'string')
        throw fileError(file, LENGTH_BYTES, `${METADATA}: expected ${JSON.stringify(key)} to be a string`)
      metadata.set(key, value)
    }
  }
  const tensors = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => parseEntry(name, entry, dataStart, bytes, file))
    .sort((a, b) => a.offset - b.offset || a.bytes.length - b.bytes.length)
  let end = dataStart
  for (const { name, offset, bytes: own } of tensors) {
    if (offset !== end)
      throw fileError(
        file,
        offset,
        `tensor ${JSON.stringify(name)} was expected at ${end}, where the one before it ends`,
      )
    end = offset + own.length
  }
  if (end !== bytes.length) throw fileError(file, end, `${bytes.length - end} bytes belong to no tensor`)
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata }
}

function parseHeader(bytes: Uint8Array, file: string): Record<string, unknown> {
  let text: string
  let header: unknown
  try {
    // TextDecoder does not take views of shared memory.
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.slice())
    header = JSON.parse(text)
  } catch {
    throw fileError(file, LENGTH_BYTES, 'the header is not JSON in UTF-8')
  }
  if (!isObject(header)) throw fileError(file, LENGTH_BYTES, 'the header is not a JSON object')
  const twice = duplicateKey(text)
  if (twice !== undefined) throw fileError(file, LENGTH_BYTES, `the header has ${JSON.stringify(twice)} twice`)
  return header
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function parseEntry(name: string, entry: unknown, dataStart: number, bytes: Uint8Array, file: string): FileTensor {
  function wrong(what: string): RangeError {
    return fileError(file, LENGTH_BYTES, `tensor ${JSON.stringify(name)}: ${what}`)
  }
  if (!isObject(entry)) throw wrong('expected an object')
  const { dtype, shape, data_offsets: range } = entry
  const size = typeof dtype === 'string' ? ELEMENT_BYTES.get(dtype) : undefined
  if (typeof dtype !== 'string' || size === undefined) throw wrong(`unknown type ${JSON.stringify(dtype)}`)
  if (!Array.isArray(shape) || !shape.every(isCount)) throw wrong('expected a shape of whole numbers')
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount) || range[0] > range[1])
    throw wrong('expected two rising data_offsets')
  const [begin, end] = range
  if (dataStart + end > bytes.length)
    throw wrong(
      `its bytes ${begin} to ${end} reach beyond the file, which has ${bytes.length - dataStart} behind the header`,
    )
  const needed = shape.reduce((product, extent) => product * extent, size)
  if (needed !== end - begin)
    throw wrong(`[${shape.join(', ')}] of ${dtype} takes ${needed} bytes, its data_offsets are ${end - begin} apart`)
  return { name, dtype, shape, bytes: bytes.subarray(dataStart + begin, dataStart + end), offset: dataStart + begin }
}

/** A tensor to be written. */
export interface WrittenTensor {
  readonly name: string
  readonly dtype: ElementType | 'F16' | 'BF16'
  readonly shape: readonly number[]
  readonly data: ArrayBufferView
}

function elementBytes({ dtype }: WrittenTensor): number {
  return ELEMENT_BYTES.get(dtype)!
}

/** The bytes of a file. Tensors are laid out by falling size of their elements, so that each is aligned to its own. */
export function writeSafetensors(
  tensors: readonly WrittenTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort((a, b) => elementBytes(b) - elementBytes(a))
  const header = new Map<string, unknown>([[METADATA, metadata]])
  let end = 0
  for (const { name, dtype, shape, data } of sorted) {
    if (header.has(name)) throw rangeError('NNZ_VALUE', `save: two arrays are called ${JSON.stringify(name)}`)
    header.set(name, { dtype, shape, data_offsets: [end, end + data.byteLength] })
    end += data.byteLength
  }
  // Written by hand: an object would lose a tensor called __proto__ and reorder names that are numbers.
  const entries = [...header].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  const text = new TextEncoder().encode(`{${entries.join(',')}}`)
  const headerBytes = Math.ceil(text.length / 8) * 8
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + end)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes)
  file.set(text, LENGTH_BYTES)
  let at = LENGTH_BYTES + headerBytes
  for (const { data } of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return file
}
