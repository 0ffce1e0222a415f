import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import writeFileAtomic from 'write-file-atomic'
import { cacheFolder } from '../../../../benchmarks/dist/models/index.js'
import { FormatError } from './task.ts'

/** One file of a data set, as it is when unpacked. */
export interface DataFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/** Fashion-MNIST (Xiao et al., arXiv 1708.07747), where its authors publish it. */
export const FASHION_MNIST = {
  source: 'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
  files: [
    {
      name: 'train-images-idx3-ubyte',
      bytes: 47_040_016,
      sha256: 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
    },
    {
      name: 'train-labels-idx1-ubyte',
      bytes: 60_008,
      sha256: 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
    },
    {
      name: 't10k-images-idx3-ubyte',
      bytes: 7_840_016,
      sha256: '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
    },
    {
      name: 't10k-labels-idx1-ubyte',
      bytes: 10_008,
      sha256: '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
    },
  ] as readonly DataFile[],
}

/** Where a fetched data set lies, or would lie. */
export function fetchedFolder(dataset: string): string {
  return join(cacheFolder(), 'data', dataset)
}

/**
 * Gets `<source><name>.gz` for each file, unpacks and checks them, and puts them into a folder, each in one step.
 *
 * @throws TypeError where a server cannot be reached; RangeError where it refuses, or bytes are not those of the table
 */
export async function fetchFiles(
  source: string,
  files: readonly DataFile[],
  folder: string,
  onFile: (name: string) => void = () => {},
): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { name, bytes, sha256 } of files) {
    onFile(name)
    const url = new URL(`${name}.gz`, source)
    const response = await fetch(url).catch((cause) => {
      throw new TypeError(`${url} cannot be reached; a folder with the files does as well (--data)`, { cause })
    })
    if (!response.ok) throw new RangeError(`${url} answered ${response.status} ${response.statusText}`)
    const packed = Buffer.from(await response.arrayBuffer())
    const unpacked = unpack(packed, name, bytes)
    const found = createHash('sha256').update(unpacked).digest('hex')
    if (found !== sha256) throw new FormatError(name, 0, `expected a SHA-256 of ${sha256}, got ${found}`)
    await writeFileAtomic(join(folder, name), unpacked)
  }
}

function unpack(packed: Buffer, name: string, bytes: number): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: bytes })
  } catch (cause) {
    throw new FormatError(name, 0, `cannot be unpacked into ${bytes} bytes: ${(cause as Error).message}`)
  }
}
