import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { ByteCursor, EndOfBytes } from './byte-cursor.ts'
import { FileFormatError } from './file-format-error.ts'
import { BLOCK_TYPES, type BlockType, unpackBlocks } from './gguf-blocks.ts'
import { MAX_ELEMENTS } from './rows.ts'
import { type FloatTensor, readAt } from './safetensors.ts'

/** A value of the metadata; 64-bit integers become numbers, and are refused where a number cannot hold them. */
export type GgufValue = string | number | boolean | readonly GgufValue[]

/** One tensor, as the header describes it. */
export interface GgufTensor {
  readonly name: string
  readonly type: string
  /** Row-major extents: the fastest last, the other way round than in the file. */
  readonly shape: readonly number[]
  /** Where its bytes begin, counted from the beginning of the file. */
  readonly offset: number
  readonly byteLength: number
}

/** What stands before the tensors' bytes. */
export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: readonly GgufTensor[]
}

/** An open file, of which only the header and the tensors asked for are read. */
export interface GgufFile extends GgufHeader {
  /** Reads one tensor, widened to f32. Throws RangeError where there is none of that name. */
  read(name: string): Promise<FloatTensor>
  close(): Promise<void>
}

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

/** The header of a whole file's bytes (github.com/ggml-org/ggml, "GGUF", versions 2 and 3). Throws FileFormatError. */
export function listGguf(bytes: Uint8Array, file: string): GgufHeader {
  try {
    return parseHeader(bytes, bytes.length, file)
  } catch (error) {
    if (error instanceof EndOfBytes) throw new FileFormatError(file, error.offset, 'the file ends too early')
    throw error
  }
}

/** Opens a file for reading single tensors; errors name the file without its folder. Throws FileFormatError. */
export async function openGguf(path: string): Promise<GgufFile> {
  const file = basename(path)
  const handle = await open(path)
  try {
    const { size } = await handle.stat()
    let header: GgufHeader | undefined
    for (let length = FIRST_BYTES; header === undefined; length *= 2) {
      const bytes = await readAt(handle, 0, Math.min(length, size), file)
      try {
        header = parseHeader(bytes, size, file)
      } catch (error) {
        if (!(error instanceof EndOfBytes)) throw error
        if (length >= Math.min(size, LONGEST_HEADER))
          throw new FileFormatError(file, error.offset, length >= size ? 'the file ends too early' : 'endless header')
      }
    }
    const { metadata, tensors } = header
    return {
      metadata,
      tensors,
      close: () => handle.close(),
      async read(name) {
        const tensor = tensors.find((candidate) => candidate.name === name)
        if (!tensor) throw new RangeError(`${file}: there is no tensor ${JSON.stringify(name)} among ${tensors.length}`)
        const bytes = await readAt(handle, tensor.offset, tensor.byteLength, file)
        const elements = tensor.shape.reduce((product, extent) => product * extent, 1)
        return { name, shape: tensor.shape, data: unpackBlocks(bytes, tensor.type as BlockType, elements) }
      },
    }
  } catch (error) {
    await handle.close()
    throw error
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
  const described = Array.from({ length: tensorCount }, () => readTensorInfo(cursor, fileSize))
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
    .sort((a, b) => a.offset - b.offset)
  for (let i = 1; i < tensors.length; i++) {
    const { name, offset, byteLength } = tensors[i - 1]
    if (tensors[i].offset < offset + byteLength)
      throw cursor.error(tensors[i].offset, `tensors ${quote(name)} and ${quote(tensors[i].name)} overlap`)
  }
  return { metadata, tensors }
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

function readTensorInfo(cursor: ByteCursor, fileSize: number): GgufTensor & { at: number } {
  const at = cursor.offset
  const name = cursor.text(fileSize)
  const axes = cursor.u32()
  if (axes > MOST_AXES) throw cursor.error(at, `tensor ${quote(name)} has ${axes} axes, expected at most ${MOST_AXES}`)
  const shape = Array.from({ length: axes }, () => cursor.u64()).reverse()
  const number = cursor.u32()
  const offset = cursor.u64()
  const type = BLOCK_TYPES.find((candidate) => candidate.number === number)
  if (!type) throw cursor.error(at, `tensor ${quote(name)} has a type that is not known: ${number}`)
  const elements = shape.reduce((product, extent) => product * extent, 1)
  const width = shape.at(-1) ?? 1
  if (elements > MAX_ELEMENTS || width % type.elements !== 0)
    throw cursor.error(
      at,
      `tensor ${quote(name)} is [${shape.join(', ')}], expected at most 2^31 elements and whole blocks of ${type.elements}`,
    )
  return { name, type: type.name, shape, offset, byteLength: (elements / type.elements) * type.bytes, at }
}

function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}
