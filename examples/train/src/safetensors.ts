import { FormatError } from './data/task.ts'

/** A tensor of a file: f32 or u32, row-major. */
export interface StoredTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array | Uint32Array
}

/** Tensors by name, and text by name. */
export interface Stored {
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly metadata: Readonly<Record<string, string>>
}

const LENGTH_BYTES = 8
const LONGEST_HEADER = 1 << 26

/** The bytes of a safetensors file (github.com/huggingface/safetensors, "Format"); the same for the same content. */
export function writeTensors({ tensors, metadata }: Stored): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata }
  let end = 0
  for (const [name, { shape, data }] of tensors) {
    header[name] = {
      dtype: data instanceof Float32Array ? 'F32' : 'U32',
      shape,
      data_offsets: [end, end + data.byteLength],
    }
    end += data.byteLength
  }
  const text = JSON.stringify(header)
  const json = new TextEncoder().encode(text)
  // Spaces after the header keep the data aligned.
  const length = Math.ceil(json.length / 8) * 8
  const bytes = new Uint8Array(LENGTH_BYTES + length + end).fill(32, 0, LENGTH_BYTES + length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true)
  bytes.set(json, LENGTH_BYTES)
  let at = LENGTH_BYTES + length
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return bytes
}

/**
 * Reads what {@link writeTensors} wrote.
 *
 * @throws FormatError that names the file and the byte where something does not fit
 */
export function readTensors(bytes: Uint8Array, file: string): Stored {
  if (bytes.length < LENGTH_BYTES) throw new FormatError(file, 0, 'expected the length of the header, the file ends')
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (length > Math.min(LONGEST_HEADER, bytes.length - LENGTH_BYTES))
    throw new FormatError(file, 0, `a header of ${length} bytes does not fit`)
  const begin = LENGTH_BYTES + Number(length)
  const header = parse(bytes.subarray(LENGTH_BYTES, begin), file)
  const tensors = new Map<string, StoredTensor>()
  let end = begin
  for (const [name, described] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const tensor = readTensor(bytes, begin, end, described, `${file}: ${name}`)
    tensors.set(name, tensor)
    end += tensor.data.byteLength
  }
  if (end !== bytes.length) throw new FormatError(file, end, `the tensors end here, the file at ${bytes.length}`)
  return { tensors, metadata: readMetadata(header.__metadata__, file) }
}

function parse(bytes: Uint8Array, file: string): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof header === 'object' && header !== null && !Array.isArray(header))
      return header as Record<string, unknown>
  } catch {}
  throw new FormatError(file, LENGTH_BYTES, 'the header is not a JSON object in UTF-8')
}

function readMetadata(value: unknown, file: string): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (!entries.every(([, text]) => typeof text === 'string'))
    throw new FormatError(file, LENGTH_BYTES, 'expected metadata to be text')
  return Object.fromEntries(entries)
}

function readTensor(bytes: Uint8Array, begin: number, at: number, described: unknown, file: string): StoredTensor {
  const { dtype, shape, data_offsets: offsets } = (described ?? {}) as Record<string, unknown>
  const whole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
  if ((dtype !== 'F32' && dtype !== 'U32') || !Array.isArray(shape) || !shape.every(whole))
    throw new FormatError(file, at, 'expected F32 or U32 and a shape of whole numbers')
  const size = 4 * shape.reduce((product: number, extent) => product * extent, 1)
  const [from, to] = Array.isArray(offsets) ? offsets : []
  if (from !== at - begin || to !== from + size || begin + to > bytes.length)
    throw new FormatError(file, at, `expected ${size} bytes from ${at - begin} on, got [${offsets}]`)
  // A copy of its own: the slice of a Buffer is none.
  const { buffer } = new Uint8Array(bytes.subarray(at, at + size))
  return { shape, data: dtype === 'F32' ? new Float32Array(buffer) : new Uint32Array(buffer) }
}
