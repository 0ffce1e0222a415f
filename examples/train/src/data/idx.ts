import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Images } from './images.ts'
import { FormatError } from './task.ts'

/** More than any data set in this format: a small file does not unpack to a full memory. */
const LARGEST = 1 << 28

/** Reads `<name>` or `<name>.gz` of a folder. */
async function open(folder: string, name: string): Promise<{ file: string; bytes: Buffer }> {
  try {
    return { file: name, bytes: await readFile(join(folder, name)) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const file = `${name}.gz`
  const packed = await readFile(join(folder, file)).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new RangeError(`${basename(folder)}: there is neither ${name} nor ${file}`) : error
  })
  try {
    return { file, bytes: gunzipSync(packed, { maxOutputLength: LARGEST }) }
  } catch (error) {
    throw new FormatError(file, 0, `cannot be unpacked: ${(error as Error).message}`)
  }
}

/** The extents and the bytes of an idx file of unsigned bytes (yann.lecun.com/exdb/mnist, "The IDX file format"). */
export function readIdx(bytes: Buffer, file: string, axes: number): { extents: number[]; data: Uint8Array } {
  const header = 4 + 4 * axes
  if (bytes.length < header)
    throw new FormatError(file, bytes.length, `expected a header of ${header} bytes, the file ends`)
  const magic = bytes.readUInt32BE(0)
  if (magic !== 0x800 + axes)
    throw new FormatError(file, 0, `expected bytes with ${axes} axes (${0x800 + axes}), got ${magic}`)
  const extents = Array.from({ length: axes }, (_, i) => bytes.readUInt32BE(4 + 4 * i))
  const count = extents.reduce((product, extent) => product * extent, 1)
  if (bytes.length !== header + count)
    throw new FormatError(
      file,
      4,
      `[${extents.join(', ')}] takes ${count} bytes, the file has ${bytes.length - header}`,
    )
  return { extents, data: bytes.subarray(header) }
}

/** One part, `train` or `t10k`, of a data set in the form of MNIST: images and labels in idx files, packed or not. */
export async function readImages(folder: string, part: 'train' | 't10k'): Promise<Images> {
  const images = await open(folder, `${part}-images-idx3-ubyte`)
  const { extents, data } = readIdx(images.bytes, images.file, 3)
  const [count, height, width] = extents
  if (height !== width || height === 0)
    throw new FormatError(images.file, 8, `expected square images, got ${height}x${width}`)
  const { bytes, file } = await open(folder, `${part}-labels-idx1-ubyte`)
  const labels = readIdx(bytes, file, 1).data
  if (labels.length !== count) throw new FormatError(file, 4, `expected ${count} labels, got ${labels.length}`)
  const wrong = labels.findIndex((label) => label > 9)
  if (wrong >= 0) throw new FormatError(file, 8 + wrong, `expected a label in 0..9, got ${labels[wrong]}`)
  const pixels = new Float32Array(data.length)
  for (let i = 0; i < data.length; i++) pixels[i] = data[i] / 255
  return { side: height, pixels, labels: Uint8Array.from(labels) }
}
