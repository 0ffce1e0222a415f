import { rangeError } from '../errors.ts'
import { duplicateKey } from './duplicate-key.ts'
import { FileFormatError } from './file-error.ts'

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

/** Element types of the format, with their bytes; those smaller than a byte are left out. */
export const ELEMENT_BYTES = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const

/** An element type of the format. */
export type SafetensorsType = keyof typeof ELEMENT_BYTES

/** One tensor, as the header describes it. */
export interface SafetensorsEntry {
  readonly name: string
  readonly dtype: SafetensorsType
  readonly shape: readonly number[]
  /** Where its bytes begin, counted from the beginning of the file. */
  readonly offset: number
  readonly byteLength: number
}

/** What stands before the tensors' bytes. */
export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: Map<string, SafetensorsEntry>
  readonly metadata: Map<string, string>
}

/** A tensor of a file whose bytes are at hand: a view of them. */
export interface FileTensor extends SafetensorsEntry {
  readonly bytes: Uint8Array
}

/** Bytes before the header: its length. */
export const LENGTH_BYTES = 8
/** The format's own limit. */
const LONGEST_HEADER = 100_000_000
const METADATA = '__metadata__'

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}

/**
 * Where the header ends and the tensors begin.
 *
 * @param beginning the first {@link LENGTH_BYTES} bytes, or more
 * @throws FileFormatError if a header of that length does not fit into the file
 */
export function safetensorsHeaderEnd(beginning: Uint8Array, fileSize: number, file: string): number {
  if (beginning.length < LENGTH_BYTES)
    throw new FileFormatError(file, 0, `expected a header length of ${LENGTH_BYTES} bytes, the file has ${fileSize}`)
  const length = new DataView(beginning.buffer, beginning.byteOffset).getBigUint64(0, true)
  const most = Math.min(LONGEST_HEADER, fileSize - LENGTH_BYTES)
  if (length > most)
    throw new FileFormatError(file, 0, `a header of ${length} bytes does not fit, at most ${most} bytes do`)
  return LENGTH_BYTES + Number(length)
}

/**
 * Reads the header and checks that types, shapes and offsets fit the file, without holes or overlaps.
 *
 * @param header the bytes behind the length
 * @param file name for errors
 * @throws FileFormatError
 */
export function parseSafetensorsHeader(header: Uint8Array, fileSize: number, file: string): SafetensorsHeader {
  const parsed = parseJson(header, file)
  const dataStart = LENGTH_BYTES + header.length
  const tensors = Object.entries(parsed)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => parseEntry(name, entry, dataStart, fileSize, file))
    .sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)
  let end = dataStart
  for (const { name, offset, byteLength } of tensors) {
    if (offset !== end)
      throw new FileFormatError(
        file,
        offset,
        `tensor ${quote(name)} was expected at ${end}, where the one before it ends`,
      )
    end = offset + byteLength
  }
  if (end !== fileSize) throw new FileFormatError(file, end, `${fileSize - end} bytes belong to no tensor`)
  return {
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    metadata: parseMetadata(parsed[METADATA], file),
  }
}

/** The tensors of a whole file as views of its bytes. Throws like {@link parseSafetensorsHeader}. */
export function parseSafetensors(
  bytes: Uint8Array,
  file: string,
): { tensors: Map<string, FileTensor>; metadata: Map<string, string> } {
  const end = safetensorsHeaderEnd(bytes, bytes.length, file)
  const { tensors, metadata } = parseSafetensorsHeader(bytes.subarray(LENGTH_BYTES, end), bytes.length, file)
  const views = [...tensors].map(
    ([name, entry]) =>
      [name, { ...entry, bytes: bytes.subarray(entry.offset, entry.offset + entry.byteLength) }] as const,
  )
  return { tensors: new Map(views), metadata }
}

function parseJson(bytes: Uint8Array, file: string): Record<string, unknown> {
  let text: string
  let header: unknown
  try {
    // TextDecoder does not take views of shared memory.
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.slice())
    header = JSON.parse(text)
  } catch (cause) {
    throw new FileFormatError(file, LENGTH_BYTES, 'the header is not JSON in UTF-8', { cause })
  }
  if (!isObject(header)) throw new FileFormatError(file, LENGTH_BYTES, 'the header is not a JSON object')
  const twice = duplicateKey(text)
  if (twice !== undefined) throw new FileFormatError(file, LENGTH_BYTES, `the header has ${quote(twice)} twice`)
  return header
}

function parseMetadata(described: unknown, file: string): Map<string, string> {
  if (described === undefined) return new Map()
  if (!isObject(described)) throw new FileFormatError(file, LENGTH_BYTES, `${METADATA} is not an object`)
  const wrong = Object.entries(described).find(([, value]) => typeof value !== 'string')
  if (wrong) throw new FileFormatError(file, LENGTH_BYTES, `${METADATA}: expected ${quote(wrong[0])} to be a string`)
  return new Map(Object.entries(described as Record<string, string>))
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isElementType(value: unknown): value is SafetensorsType {
  return typeof value === 'string' && Object.hasOwn(ELEMENT_BYTES, value)
}

function parseEntry(name: string, entry: unknown, dataStart: number, fileSize: number, file: string): SafetensorsEntry {
  function wrong(what: string): FileFormatError {
    return new FileFormatError(file, LENGTH_BYTES, `tensor ${quote(name)}: ${what}`)
  }
  if (!isObject(entry)) throw wrong('expected an object')
  const { dtype, shape, data_offsets: range } = entry
  if (!isElementType(dtype)) throw wrong(`unknown type ${JSON.stringify(dtype)?.slice(0, 100)}`)
  if (!Array.isArray(shape) || !shape.every(isCount)) throw wrong('expected a shape of whole numbers')
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount) || range[0] > range[1])
    throw wrong('expected two rising data_offsets')
  const [begin, end] = range
  if (dataStart + end > fileSize)
    throw wrong(
      `its bytes ${begin} to ${end} reach beyond the file, which has ${fileSize - dataStart} behind the header`,
    )
  const needed = shape.reduce((product, extent) => product * extent, ELEMENT_BYTES[dtype])
  if (needed !== end - begin)
    throw wrong(
      `[${shape.slice(0, 8).join(', ')}] of ${dtype} takes ${needed} bytes, its data_offsets are ${end - begin} apart`,
    )
  return { name, dtype, shape, offset: dataStart + begin, byteLength: end - begin }
}

/** A tensor that is going to be written. */
export type DescribedTensor = Pick<SafetensorsEntry, 'name' | 'dtype' | 'shape'>

/** A tensor to be written. */
export interface WrittenTensor extends DescribedTensor {
  readonly data: ArrayBufferView
}

/**
 * The first bytes of a file, its length and header, and where each tensor goes behind them. Tensors lie by falling size of
 * their elements, so that each is aligned to its own.
 *
 * @throws RangeError if two tensors have one name, or a tensor that of the metadata
 */
export function layOutSafetensors(
  tensors: readonly DescribedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): {
  readonly beginning: Uint8Array<ArrayBuffer>
  readonly entries: readonly SafetensorsEntry[]
  readonly size: number
} {
  const sorted = [...tensors].sort((a, b) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype])
  const header = new Map<string, unknown>([[METADATA, metadata]])
  const entries: SafetensorsEntry[] = []
  let end = 0
  for (const { name, dtype, shape } of sorted) {
    if (name === METADATA) throw rangeError('NNZ_VALUE', `save: the name "${METADATA}" belongs to the file format`)
    if (header.has(name)) throw rangeError('NNZ_VALUE', `save: two arrays are called ${JSON.stringify(name)}`)
    const byteLength = shape.reduce((product, extent) => product * extent, ELEMENT_BYTES[dtype])
    header.set(name, { dtype, shape, data_offsets: [end, end + byteLength] })
    entries.push({ name, dtype, shape, offset: end, byteLength })
    end += byteLength
  }
  // Written by hand: an object would lose a tensor called __proto__ and reorder names that are numbers.
  const texts = [...header].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  const text = new TextEncoder().encode(`{${texts.join(',')}}`)
  const headerBytes = Math.ceil(text.length / 8) * 8
  const beginning = new Uint8Array(LENGTH_BYTES + headerBytes).fill(0x20)
  new DataView(beginning.buffer).setBigUint64(0, BigInt(headerBytes), true)
  beginning.set(text, LENGTH_BYTES)
  return {
    beginning,
    entries: entries.map((entry) => ({ ...entry, offset: beginning.length + entry.offset })),
    size: beginning.length + end,
  }
}

/**
 * The bytes of a file.
 *
 * @throws RangeError if two tensors have one name, or one has not the bytes of its type and shape
 */
export function writeSafetensors(
  tensors: readonly WrittenTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const { beginning, entries, size } = layOutSafetensors(tensors, metadata)
  const data = new Map(tensors.map((tensor) => [tensor.name, tensor.data]))
  const file = new Uint8Array(size)
  file.set(beginning)
  for (const { name, dtype, shape, offset, byteLength } of entries) {
    const own = data.get(name)!
    if (own.byteLength !== byteLength)
      throw rangeError(
        'NNZ_SHAPE',
        `save: ${JSON.stringify(name)}: [${shape.join(', ')}] of ${dtype} takes ${byteLength} bytes, got ${own.byteLength}`,
      )
    file.set(new Uint8Array(own.buffer, own.byteOffset, own.byteLength), offset)
  }
  return file
}
