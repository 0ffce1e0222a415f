import { FileFormatError } from '@nnz/core/storage'

/** Thrown where the bytes end before the value does: a caller that has only the beginning of a file may read more. */
export class EndOfBytes extends Error {
  readonly offset: number

  constructor(offset: number) {
    super(`the bytes end at ${offset}`)
    this.offset = offset
  }
}

/** Reads little-endian values one after the other. Sizes and lengths are checked before anything is allocated. */
export class ByteCursor {
  offset = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #file: string
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#file = file
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  f32(): number {
    return this.#view.getFloat32(this.#advance(4), true)
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8), true)
  }

  u64(): number {
    const at = this.#advance(8)
    return this.#safe(this.#view.getBigUint64(at, true), at)
  }

  i64(): number {
    const at = this.#advance(8)
    return this.#safe(this.#view.getBigInt64(at, true), at)
  }

  /** A count of things that take at least so many bytes each, which must fit into a file of that size. */
  size(what: string, leastBytes: number, fileSize: number): number {
    const at = this.offset
    const count = this.u64()
    if (count * leastBytes > fileSize - this.offset) throw this.error(at, `${count} ${what} do not fit into the file`)
    return count
  }

  /** A text in UTF-8 after its length in bytes. */
  text(fileSize: number): string {
    const length = this.size('bytes of text', 1, fileSize)
    const at = this.#advance(length)
    try {
      return this.#decoder.decode(this.#bytes.subarray(at, at + length))
    } catch (cause) {
      throw new FileFormatError(this.#file, at, 'expected text in UTF-8', { cause })
    }
  }

  error(offset: number, message: string): FileFormatError {
    return new FileFormatError(this.#file, offset, message)
  }

  #advance(bytes: number): number {
    const at = this.offset
    if (at + bytes > this.#bytes.length) throw new EndOfBytes(this.#bytes.length)
    this.offset = at + bytes
    return at
  }

  #safe(value: bigint, at: number): number {
    const number = Number(value)
    if (!Number.isSafeInteger(number)) throw this.error(at, `expected an integer below 2^53, got ${value}`)
    return number
  }
}
