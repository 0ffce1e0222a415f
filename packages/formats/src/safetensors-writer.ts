import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { rangeError } from '@nnz/core'
import { type DescribedTensor, layOutSafetensors } from '@nnz/core/storage'
import { MOST_AT_ONCE } from './file-source.ts'
import { quote } from './tensor-file.ts'

/** Writes a file tensor by tensor: no more than one of them has to be in memory. */
export interface SafetensorsWriter {
  /**
   * Writes one tensor, in any order.
   *
   * @throws RangeError where it was not announced, was written before, or has not the bytes of its type and shape
   */
  write(name: string, data: ArrayBufferView): Promise<void>
  /** Puts the file in its place, where nothing or an older file stood so far. Throws RangeError if a tensor is missing. */
  finish(): Promise<void>
  /** Gives up: nothing stays behind. */
  abort(): Promise<void>
}

/**
 * Begins a safetensors file. It grows under another name in the same folder, so that `path` is whole whenever it is there.
 *
 * @param tensors all that will be written: the header stands first
 * @throws RangeError if two of them have one name
 */
export async function createSafetensors(
  path: string,
  tensors: readonly DescribedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<SafetensorsWriter> {
  const { beginning, entries, size } = layOutSafetensors(tensors, metadata)
  const missing = new Map(entries.map((entry) => [entry.name, entry]))
  const unfinished = `${path}.${randomUUID().slice(0, 8)}.part`
  const handle = await open(unfinished, 'wx')
  const abort = async () => {
    await handle.close()
    await rm(unfinished, { force: true })
  }
  const writeAt = async (data: Uint8Array, position: number) => {
    for (let done = 0; done < data.length; ) {
      const length = Math.min(data.length - done, MOST_AT_ONCE)
      done += (await handle.write(data, done, length, position + done)).bytesWritten
    }
  }
  try {
    await writeAt(beginning, 0)
    await handle.truncate(size)
  } catch (error) {
    await abort()
    throw error
  }
  return {
    abort,
    async write(name, data) {
      const entry = missing.get(name)
      if (!entry) throw rangeError('NNZ_VALUE', `${path}: the tensor ${quote(name)} is not expected, or not again`)
      const { dtype, shape, byteLength, offset } = entry
      if (data.byteLength !== byteLength)
        throw rangeError(
          'NNZ_SHAPE',
          `${path}: ${quote(name)}, [${shape.join(', ')}] of ${dtype}, takes ${byteLength} bytes, got ${data.byteLength}`,
        )
      missing.delete(name)
      await writeAt(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset)
    },
    async finish() {
      const [first] = missing.keys()
      if (first !== undefined) throw rangeError('NNZ_VALUE', `${path}: the tensor ${quote(first)} was not written`)
      await handle.sync()
      await handle.close()
      await rename(unfinished, path)
    },
  }
}
