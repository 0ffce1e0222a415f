import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Random } from '@nnz/backprop/kit'

/** An idx file of unsigned bytes. */
export function idx(extents: readonly number[], data: ArrayLike<number>): Buffer {
  const bytes = Buffer.alloc(4 + 4 * extents.length + data.length)
  bytes.writeUInt32BE(0x800 + extents.length, 0)
  extents.forEach((extent, i) => {
    bytes.writeUInt32BE(extent, 4 + 4 * i)
  })
  bytes.set(data, 4 + 4 * extents.length)
  return bytes
}

/** A folder with small images whose class is where they are bright: labels, one of them packed. */
export async function imageFolder(side = 8): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nnz-train-'))
  for (const [part, count] of [
    ['train', 200],
    ['t10k', 40],
  ] as const) {
    const random = new Random(count)
    const labels = Uint8Array.from({ length: count }, () => random.below(10))
    const pixels = Uint8Array.from({ length: count * side * side }, (_, i) => {
      const at = i % (side * side)
      return (at % 10 === labels[Math.floor(i / (side * side))] ? 200 : 0) + random.below(50)
    })
    await writeFile(join(folder, `${part}-images-idx3-ubyte.gz`), gzipSync(idx([count, side, side], pixels)))
    await writeFile(join(folder, `${part}-labels-idx1-ubyte`), idx([count], labels))
  }
  return folder
}
