import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { FileFormatError } from './file-format-error.ts'

/** Bytes per element of each type that the format knows; sub-byte types are left out. */
const ELEMENT_BYTES: ReadonlyMap<string, number> = new Map([
  ['F64', 8],
  ['F32', 4],
  ['F16', 2],
  ['BF16', 2],
  ['F8_E4M3', 1],
  ['F8_E5M2', 1],
  ['I64', 8],
  ['I32', 4],
  ['I16', 2],
  ['I8', 1],
  ['U64', 8],
  ['U32', 4],
  ['U16', 2],
  ['U8', 1],
  ['BOOL', 1],
])
const LENGTH_BYTES = 8
/** The format's own limit. */
const LONGEST_HEADER = 100_000_000

/** One tensor of a safetensors file, as its header describes it. */
export interface TensorEntry {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  /** Where its bytes begin, counted from the beginning of the file. */
  readonly offset: number
  readonly byteLength: number
}

/** A tensor widened to f32, row-major. */
export interface FloatTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array<ArrayBuffer>
}

/** An open file, of which only the header and the tensors asked for are read. */
export interface SafetensorsFile {
  readonly tensors: readonly TensorEntry[]
  /** Reads one F32, F16 or BF16 tensor. Throws RangeError where there is none of that name, FileFormatError for other types. */
  read(name: string): Promise<FloatTensor>
  close(): Promise<void>
}

/**
 * The tensors of a safetensors file (github.com/huggingface/safetensors, "Format"), in the order of their bytes.
 *
 * @throws FileFormatError where lengths, types, shapes and offsets do not fit the file, overlap, or leave holes.
 */
export function listTensors(bytes: Uint8Array, file: string): TensorEntry[] {
  const end = headerEnd(bytes, bytes.length, file)
  return parseHeader(bytes.subarray(LENGTH_BYTES, end), bytes.length, file)
}

/**
 * Reads one F32, F16 or BF16 tensor out of the bytes of a whole file.
 *
 * @throws FileFormatError; RangeError where the file has no tensor of that name.
 */
export function readTensor(bytes: Uint8Array, file: string, name: string): FloatTensor {
  const entry = findTensor(listTensors(bytes, file), file, name)
  return {
    name,
    shape: entry.shape,
    data: decode(bytes.slice(entry.offset, entry.offset + entry.byteLength), entry, file),
  }
}

/** Opens a file for reading single tensors; errors name the file without its folder. Throws like {@link listTensors}. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = basename(path)
  const handle = await open(path)
  try {
    const { size } = await handle.stat()
    const end = headerEnd(await readAt(handle, 0, Math.min(LENGTH_BYTES, size), file), size, file)
    const tensors = parseHeader(await readAt(handle, LENGTH_BYTES, end - LENGTH_BYTES, file), size, file)
    return {
      tensors,
      close: () => handle.close(),
      async read(name) {
        const entry = findTensor(tensors, file, name)
        return {
          name,
          shape: entry.shape,
          data: decode(await readAt(handle, entry.offset, entry.byteLength, file), entry, file),
        }
      },
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Reads exactly so many bytes. Throws FileFormatError where the file ends before. */
export async function readAt(
  handle: FileHandle,
  offset: number,
  length: number,
  file: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done)
    if (bytesRead === 0) throw new FileFormatError(file, offset + done, 'the file ends too early')
    done += bytesRead
  }
  return bytes
}

function headerEnd(bytes: Uint8Array, fileSize: number, file: string): number {
  if (bytes.length < LENGTH_BYTES)
    throw new FileFormatError(
      file,
      0,
      `expected a header length of ${LENGTH_BYTES} bytes, the file has ${bytes.length}`,
    )
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  const most = Math.min(LONGEST_HEADER, fileSize - LENGTH_BYTES)
  if (length > most) throw new FileFormatError(file, 0, `a header of ${length} bytes does not fit, at most ${most} do`)
  return LENGTH_BYTES + Number(length)
}

function parseHeader(header: Uint8Array, fileSize: number, file: string): TensorEntry[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header))
  } catch (cause) {
    throw new FileFormatError(file, LENGTH_BYTES, 'the header is not JSON in UTF-8', { cause })
  }
  if (!isRecord(parsed)) throw new FileFormatError(file, LENGTH_BYTES, 'the header is not a JSON object')
  const dataStart = LENGTH_BYTES + header.length
  const tensors: TensorEntry[] = []
  for (const [name, described] of Object.entries(parsed)) {
    if (name !== '__metadata__') tensors.push(parseEntry(name, described, dataStart, file))
  }
  tensors.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)
  let end = dataStart
  for (const { name, offset, byteLength } of tensors) {
    if (offset !== end)
      throw new FileFormatError(
        file,
        offset,
        `tensor ${quote(name)} should begin at ${end}, where the one before it ends`,
      )
    end += byteLength
  }
  if (end !== fileSize) throw new FileFormatError(file, end, `the tensors end here, the file at ${fileSize}`)
  return tensors
}

function parseEntry(name: string, described: unknown, dataStart: number, file: string): TensorEntry {
  const fail = (message: string): never => {
    throw new FileFormatError(file, LENGTH_BYTES, `tensor ${quote(name)}: ${message}`)
  }
  if (!isRecord(described)) return fail('expected an object')
  const { dtype, shape, data_offsets: offsets } = described
  const elementBytes = ELEMENT_BYTES.get(String(dtype)) ?? fail(`the type ${quote(String(dtype))} is not known`)
  if (!isSizes(shape)) return fail('expected a shape of whole numbers')
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
    return fail('expected two rising data_offsets')
  const byteLength = offsets[1] - offsets[0]
  const expected = shape.reduce((product, extent) => product * extent, elementBytes)
  if (byteLength !== expected)
    fail(`[${shape.slice(0, 8).join(', ')}] of ${dtype} takes ${expected} bytes, its offsets span ${byteLength}`)
  return { name, dtype: String(dtype), shape, offset: dataStart + offsets[0], byteLength }
}

function findTensor(tensors: readonly TensorEntry[], file: string, name: string): TensorEntry {
  const entry = tensors.find((tensor) => tensor.name === name)
  if (entry) return entry
  throw new RangeError(
    `${file}: there is no tensor ${quote(name)} among ${tensors.length}, for example ${quote(tensors[0]?.name ?? '')}`,
  )
}

/** Widens to f32; `bytes` must own its buffer. */
function decode(
  bytes: Uint8Array<ArrayBuffer>,
  { name, dtype, offset }: TensorEntry,
  file: string,
): Float32Array<ArrayBuffer> {
  if (dtype === 'F32') return new Float32Array(bytes.buffer)
  if (dtype !== 'F16' && dtype !== 'BF16') {
    throw new FileFormatError(file, offset, `tensor ${quote(name)} is ${dtype}, expected F32, F16 or BF16`)
  }
  const halves = new Uint16Array(bytes.buffer)
  if (dtype === 'F16') return Float32Array.from(halves, halfToNumber)
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer)
}

/** An IEEE 754 binary16 value from its bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}

function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}
