import { FileFormatError } from '@nnz/core/storage'
import { unzipSync } from 'fflate'
import { type ByteSource, closingOnFailure } from '../bytes/byte-source.ts'
import { quote, type TensorEntry, type TensorFile, tensorFile } from '../tensor-file.ts'
import { parseNpyHeader } from './npy.ts'

/** Options of readers of `.npz` files. */
export interface NpzOptions {
  /** Bytes that unpacking may take: by default 64 for each byte of the file, and a mebibyte. */
  unpackedBytes?: number | undefined
}

/** What the record of an entry takes at least. */
const ENTRY_BYTES = 46
/** Far more than index arrays compress, far less than a bomb. */
const MOST_EXPANSION = 64
const UNPACKED_ALWAYS_ALLOWED = 2 ** 20
/** What deflate reaches at most: a length of 258 in two bits. */
const MOST_DEFLATED = 1032

/**
 * Opens the arrays that NumPy's `savez` or `savez_compressed` wrote, by their names without `.npy`; other entries are passed
 * over. All of the file is unpacked at once; `offset` of an entry counts from the beginning of the unpacked array.
 *
 * @throws FileFormatError, also where unpacking would take more than the options allow
 */
export function openNpz(source: ByteSource, options: NpzOptions = {}): Promise<TensorFile<TensorEntry, never>> {
  return closingOnFailure(source, async () => {
    const { name: file } = source
    const unpacked = unpack(await source.read(0, source.size), file, options)
    const tensors = new Map<string, TensorEntry>()
    for (const [path, bytes] of unpacked) {
      const name = path.slice(0, -'.npy'.length)
      tensors.set(name, parseNpyHeader(bytes, bytes.length, `${file}/${printable(path)}`, name))
    }
    return tensorFile(
      'npz',
      source,
      { tensors, metadata: new Map<string, never>() },
      {
        bytes: async ({ name, offset }) => unpacked.get(`${name}.npy`)!.slice(offset),
      },
    )
  })
}

function unpack(
  bytes: Uint8Array,
  file: string,
  { unpackedBytes = UNPACKED_ALWAYS_ALLOWED + MOST_EXPANSION * bytes.length }: NpzOptions,
): Map<string, Uint8Array<ArrayBuffer>> {
  const sizes = new Map<string, number>()
  let entries = 0
  let total = 0
  let unpacked: Record<string, Uint8Array<ArrayBuffer>>
  try {
    unpacked = unzipSync(bytes, {
      filter: ({ name, size, originalSize }) => {
        if (++entries * ENTRY_BYTES > bytes.length) throw new RangeError('there are more entries than fit into it')
        if (!name.endsWith('.npy')) return false
        if (sizes.has(name)) throw new RangeError(`${quote(name)} stands twice`)
        if (size > bytes.length || originalSize > MOST_DEFLATED * size)
          throw new RangeError(`${quote(name)} cannot unpack from ${size} bytes to ${originalSize}`)
        if ((total += originalSize) > unpackedBytes)
          throw new RangeError(`unpacking takes more than ${unpackedBytes} bytes: the option unpackedBytes allows more`)
        sizes.set(name, originalSize)
        return true
      },
    })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause
    throw new FileFormatError(file, 0, `not a zip file that can be read: ${reason}`, { cause })
  }
  for (const [name, size] of sizes) {
    if (unpacked[name]?.length !== size)
      throw new FileFormatError(file, 0, `${printable(name)} does not unpack to ${size} bytes`)
  }
  return new Map([...sizes.keys()].map((name) => [name, unpacked[name]]))
}

/** The end of a path inside the file, for an error. */
function printable(path: string): string {
  return path.slice(-100).replace(/[^ -~]/g, '?')
}
