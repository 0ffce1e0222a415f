import { FileFormatError } from '@nnz/core/storage'

/** Bytes that are read in ranges: a file, a Blob, an array. */
export interface ByteSource {
  /** For errors; a file's name without its folder. */
  readonly name: string
  /** In bytes. */
  readonly size: number
  /**
   * Exactly these bytes, in a buffer that belongs to the caller.
   *
   * @throws FileFormatError where the range is not inside
   */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}

/** Bytes in memory, or a Blob (a file that was chosen in a page), of which only the ranges asked for are read. */
export function bytesSource(bytes: Uint8Array | ArrayBuffer | Blob, name = 'file'): ByteSource {
  const close = async () => {}
  if (bytes instanceof Blob) {
    const read = async (offset: number, length: number) => {
      expectInside(name, bytes.size, offset, length)
      return new Uint8Array(await bytes.slice(offset, offset + length).arrayBuffer())
    }
    return { name, size: bytes.size, read, close }
  }
  if (!(bytes instanceof Uint8Array || bytes instanceof ArrayBuffer))
    throw new TypeError(`bytesSource: expected a Uint8Array, an ArrayBuffer or a Blob, got ${typeof bytes}`)
  const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes
  const read = async (offset: number, length: number) => {
    expectInside(name, view.length, offset, length)
    return new Uint8Array(view.subarray(offset, offset + length))
  }
  return { name, size: view.length, read, close }
}

/** Throws FileFormatError where a range is not inside a file of that size. */
export function expectInside(file: string, size: number, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0)
    throw new RangeError(`${file}: expected an offset and a length, got ${offset} and ${length}`)
  if (offset + length > size)
    throw new FileFormatError(
      file,
      size,
      `the file ends too early: bytes ${offset} to ${offset + length} were expected`,
    )
}

/** Reads a whole source, and closes it. */
export async function readAll(source: ByteSource): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await source.read(0, source.size)
  } finally {
    await source.close()
  }
}

/** Gives what `open` makes of a source; where that fails, the source is closed. */
export async function closingOnFailure<T>(source: ByteSource, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    await source.close()
    throw error
  }
}
