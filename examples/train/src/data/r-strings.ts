import { inflateSync } from 'node:zlib'
import { FormatError } from './task.ts'

const LARGEST = 1 << 26
const CHARACTERS = 9
const STRINGS = 16

/**
 * The vectors of strings in an R package's data (`Rdata.rdb`): objects one after another, each its size and a zlib stream
 * of R's serialisation (R Internals, "Serialization Formats"). Objects of other kinds are left out.
 */
export function readStrings(bytes: Buffer, file: string): string[][] {
  const vectors: string[][] = []
  for (let offset = 0; offset < bytes.length; ) {
    if (offset + 4 > bytes.length) throw new FormatError(file, offset, 'expected the size of an object, the file ends')
    const size = bytes.readUInt32BE(offset)
    if (size > LARGEST) throw new FormatError(file, offset, `an object of ${size} bytes, at most ${LARGEST} are read`)
    const { object, consumed } = inflate(bytes.subarray(offset + 4), file, offset + 4, size)
    const strings = parse(object, file, offset)
    if (strings) vectors.push(strings)
    offset += 4 + consumed
  }
  return vectors
}

function inflate(packed: Buffer, file: string, offset: number, size: number): { object: Buffer; consumed: number } {
  try {
    // With `info` the engine tells where the stream ended; its types leave that out.
    const { buffer, engine } = inflateSync(packed, { info: true, maxOutputLength: Math.max(1, size) }) as unknown as {
      buffer: Buffer
      engine: { bytesWritten: number }
    }
    return { object: buffer, consumed: engine.bytesWritten }
  } catch (error) {
    throw new FormatError(file, offset, `cannot be unpacked: ${(error as Error).message}`)
  }
}

function parse(object: Buffer, file: string, offset: number): string[] | undefined {
  let at = 0
  const int = (): number => {
    if (at + 4 > object.length) throw new FormatError(file, offset, 'the object ends too early')
    at += 4
    return object.readInt32BE(at - 4)
  }
  if (object.toString('latin1', 0, 2) !== 'X\n') throw new FormatError(file, offset, 'expected an object in XDR form')
  at = 2
  const version = int()
  at += 8
  if (version === 3) {
    const encoding = int()
    at += encoding
  }
  if ((int() & 255) !== STRINGS) return undefined
  const count = int()
  if (count < 0 || count > object.length) throw new FormatError(file, offset, `expected strings, got ${count} of them`)
  return Array.from({ length: count }, () => {
    if ((int() & 255) !== CHARACTERS) throw new FormatError(file, offset, 'expected a string')
    const length = int()
    if (length < -1 || at + length > object.length) throw new FormatError(file, offset, `a string of ${length} bytes`)
    const text = object.toString('utf8', at, at + Math.max(0, length))
    at += Math.max(0, length)
    return text
  })
}
