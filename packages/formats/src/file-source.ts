import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { FileFormatError } from '@nnz/core/storage'
import { type ByteSource, expectInside } from './bytes/byte-source.ts'

/** The operating system reads and writes less than 2 GiB at a time. */
export const MOST_AT_ONCE = 2 ** 30

/** Opens a file for reading; errors name it without its folder. Rejects as `node:fs` does where there is none. */
export async function fileSource(path: string): Promise<ByteSource> {
  const name = basename(path)
  const handle = await open(path)
  try {
    const { size } = await handle.stat()
    return {
      name,
      size,
      async read(offset, length) {
        expectInside(name, size, offset, length)
        const bytes = new Uint8Array(length)
        for (let done = 0; done < length; ) {
          const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, MOST_AT_ONCE), offset + done)
          if (bytesRead === 0) throw new FileFormatError(name, offset + done, 'the file has become shorter')
          done += bytesRead
        }
        return bytes
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}
