import { FileFormatError } from '@nnz/core/storage'
import { ByteCursor, EndOfBytes } from '../bytes/byte-cursor.ts'
import { type ByteSource, closingOnFailure } from '../bytes/byte-source.ts'
import { toFloats } from '../elements.ts'
import { elementCount, quote, type TensorEntry, type TensorFile, tensorFile } from '../tensor-file.ts'
import { BLOCK_TYPES, unpackBlocks } from './blocks.ts'

/** A value of the metadata; 64-bit integers become numbers, and are refused where a number cannot hold them. */
export type GgufValue = string | number | boolean | readonly GgufValue[]

/** An open GGUF file. */
export type GgufFile = TensorFile<TensorEntry, GgufValue>

type GgufHeader = Pick<GgufFile, 'tensors' | 'metadata'>

const MAGIC = 0x46554747
/** Bytes read at first; doubled until the header fits. */
const FIRST_BYTES = 2 ** 18
const LONGEST_HEADER = 2 ** 28
const MOST_AXES = 4
const DEEPEST_ARRAY = 4
const STRING = 8
const ARRAY = 9
/** The least bytes that one value of each type takes. */
const VALUE_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  [STRING]: 8,
  [ARRAY]: 12,
  10: 8,
  11: 8,
  12: 8,
}

/**
 * Opens a GGUF file (github.com/ggml-org/ggml, "GGUF", versions 2 and 3, little-endian). The source is closed with the file,
 * and where opening fails.
 *
 * @throws FileFormatError
 */
export function openGguf(source: ByteSource): Promise<GgufFile> {
  return closingOnFailure(source, async () =>
    tensorFile('gguf', source, await readHeader(source), {
      floats(bytes, { dtype }) {
        const type = BLOCK_TYPES.find(({ name }) => name === dtype)!
        return type.unpack ? unpackBlocks(bytes, type) : toFloats(bytes, dtype)
      },
    }),
  )
}

/** Nothing says how long the header is: more is read as long as it ends too early. */
async function readHeader(source: ByteSource): Promise<GgufHeader> {
  const { name, size } = source
  for (let length = FIRST_BYTES; ; length *= 2) {
    const bytes = await source.read(0, Math.min(length, size))
    try {
      return parseHeader(bytes, size, name)
    } catch (error) {
      if (!(error instanceof EndOfBytes)) throw error
      if (length >= Math.min(size, LONGEST_HEADER))
        throw new FileFormatError(name, error.offset, length >= size ? 'the file ends too early' : 'endless header')
    }
  }
}

function parseHeader(bytes: Uint8Array, fileSize: number, file: string): GgufHeader {
  const cursor = new ByteCursor(bytes, file)
  if (cursor.u32() !== MAGIC) throw new FileFormatError(file, 0, 'expected the letters GGUF')
  const version = cursor.u32()
  if (version !== 2 && version !== 3) throw cursor.error(4, `expected version 2 or 3, got ${version}`)
  const tensorCount = cursor.size('tensors', 24, fileSize)
  const valueCount = cursor.size('values', 13, fileSize)
  const metadata = new Map<string, GgufValue>()
  for (let i = 0; i < valueCount; i++) {
    const at = cursor.offset
    const key = cursor.text(fileSize)
    if (metadata.has(key)) throw cursor.error(at, `the key ${quote(key)} is there twice`)
    metadata.set(key, readValue(cursor, cursor.u32(), fileSize, 0))
  }
  const described: ReturnType<typeof readTensorInfo>[] = []
  const names = new Set<string>()
  while (described.length < tensorCount) {
    const tensor = readTensorInfo(cursor, fileSize)
    if (names.has(tensor.name)) throw cursor.error(tensor.at, `the tensor ${quote(tensor.name)} is there twice`)
    names.add(tensor.name)
    described.push(tensor)
  }
  const alignment = metadata.get('general.alignment') ?? 32
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 8 || alignment > 2 ** 16)
    throw cursor.error(0, `expected general.alignment to be in 8..65536, got ${alignment}`)
  const start = Math.ceil(cursor.offset / alignment) * alignment
  const tensors = described
    .map(({ at, ...tensor }) => {
      const offset = start + tensor.offset
      if (tensor.offset % alignment !== 0 || offset + tensor.byteLength > fileSize)
        throw cursor.error(
          at,
          `tensor ${quote(tensor.name)} spans bytes ${offset}..${offset + tensor.byteLength} of ${fileSize}, expected multiples of ${alignment} inside`,
        )
      return { ...tensor, offset }
    })
    .sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)
  for (let i = 1; i < tensors.length; i++) {
    const { name, offset, byteLength } = tensors[i - 1]
    if (tensors[i].offset < offset + byteLength)
      throw cursor.error(tensors[i].offset, `tensors ${quote(name)} and ${quote(tensors[i].name)} overlap`)
  }
  return { metadata, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) }
}

function readValue(cursor: ByteCursor, type: number, fileSize: number, depth: number): GgufValue {
  switch (type) {
    case 0:
      return cursor.u8()
    case 1:
      return (cursor.u8() << 24) >> 24
    case 2:
      return cursor.u16()
    case 3:
      return (cursor.u16() << 16) >> 16
    case 4:
      return cursor.u32()
    case 5:
      return cursor.u32() | 0
    case 6:
      return cursor.f32()
    case 7:
      return cursor.u8() !== 0
    case STRING:
      return cursor.text(fileSize)
    case ARRAY: {
      const at = cursor.offset
      const inner = cursor.u32()
      const least = VALUE_BYTES[inner]
      if (least === undefined) throw cursor.error(at, `values of type ${inner} are not known`)
      if (depth >= DEEPEST_ARRAY) throw cursor.error(at, `arrays lie more than ${DEEPEST_ARRAY} deep`)
      const values: GgufValue[] = []
      for (let rest = cursor.size('elements', least, fileSize); rest > 0; rest--)
        values.push(readValue(cursor, inner, fileSize, depth + 1))
      return values
    }
    case 10:
      return cursor.u64()
    case 11:
      return cursor.i64()
    case 12:
      return cursor.f64()
    default:
      throw cursor.error(cursor.offset - 4, `values of type ${type} are not known`)
  }
}

function readTensorInfo(cursor: ByteCursor, fileSize: number): TensorEntry & { at: number } {
  const at = cursor.offset
  const name = cursor.text(fileSize)
  const axes = cursor.u32()
  if (axes > MOST_AXES) throw cursor.error(at, `tensor ${quote(name)} has ${axes} axes, expected at most ${MOST_AXES}`)
  // In the file the fastest axis stands first.
  const shape = Array.from({ length: axes }, () => cursor.u64()).reverse()
  const number = cursor.u32()
  const offset = cursor.u64()
  const type = BLOCK_TYPES.find((candidate) => candidate.number === number)
  if (!type) throw cursor.error(at, `tensor ${quote(name)} has a type that is not known: ${number}`)
  if ((shape.at(-1) ?? 1) % type.elements !== 0)
    throw cursor.error(at, `tensor ${quote(name)} is [${shape.join(', ')}], expected whole blocks of ${type.elements}`)
  const byteLength = (elementCount(shape) / type.elements) * type.bytes
  return { name, dtype: type.name, shape, offset, byteLength, at }
}
