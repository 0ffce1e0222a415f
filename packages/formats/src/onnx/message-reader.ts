import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { FileFormatError } from '@nnz/core/storage'
import type { ByteSource } from '../bytes/byte-source.ts'

/** One field of a message of protocol buffers. */
export interface Field {
  readonly number: number
  readonly type: WireType
  /** A whole number's value, of any size; 0 for other types. */
  readonly value: bigint
  /** Where its value begins and ends: for texts, bytes and messages behind their length. */
  readonly start: number
  readonly end: number
}

/** Bytes that are read at a time: longer values are passed over. */
const WINDOW_BYTES = 2 ** 16
/** A tag and a whole number, or a tag and a length. */
const LONGEST_FIELD_START = 20

/**
 * Walks through messages (protobuf.dev, "Encoding") inside a source, of which it keeps a window: values that nobody asks for
 * are never read.
 */
export class MessageReader {
  readonly source: ByteSource
  #window = new Uint8Array(0)
  #windowStart = 0
  #reader = new BinaryReader(this.#window)
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })

  constructor(source: ByteSource) {
    this.source = source
  }

  error(offset: number, message: string, options?: ErrorOptions): FileFormatError {
    return new FileFormatError(this.source.name, offset, message, options)
  }

  /** The fields of the message that lies between two offsets. */
  async *fields(start: number, end: number): AsyncGenerator<Field> {
    for (let at = start; at < end; ) {
      if (!this.#holds(at)) await this.#load(at)
      const field = this.#field(at)
      if (field.end > end) throw this.error(at, `field ${field.number} ends at ${field.end}, its message at ${end}`)
      yield field
      at = field.end
    }
  }

  /** The bytes of a value. */
  async bytes({ start, end }: Pick<Field, 'start' | 'end'>): Promise<Uint8Array<ArrayBuffer>> {
    const from = start - this.#windowStart
    if (from >= 0 && end <= this.#windowStart + this.#window.length)
      return this.#window.slice(from, end - this.#windowStart)
    return this.source.read(start, end - start)
  }

  async text(field: Field): Promise<string> {
    this.expect(field, WireType.LengthDelimited)
    try {
      return this.#decoder.decode(await this.bytes(field))
    } catch (cause) {
      if (cause instanceof FileFormatError) throw cause
      throw this.error(field.start, 'expected text in UTF-8', { cause })
    }
  }

  /** A whole number that a number can hold, of 64 bits with a sign. */
  whole(field: Field): number {
    this.expect(field, WireType.Varint)
    const value = Number(BigInt.asIntN(64, field.value))
    if (!Number.isSafeInteger(value)) throw this.error(field.start, `expected a whole number below 2^53, got ${value}`)
    return value
  }

  /** The values of a field, which are packed into bytes or stand alone. */
  async values<T>(field: Field, read: (values: BinaryReader) => T): Promise<Iterable<T>> {
    const values = new BinaryReader(await this.bytes(field))
    const damaged = (cause: unknown) => this.error(field.start + values.pos, 'a number ends too early', { cause })
    return (function* () {
      while (values.pos < values.len) {
        let value: T
        try {
          value = read(values)
        } catch (cause) {
          throw damaged(cause)
        }
        yield value
      }
    })()
  }

  /** Throws where a field is of another type. */
  expect({ number, type, start }: Field, expected: WireType): void {
    if (type !== expected) throw this.error(start, `field ${number} has the type ${type}, expected ${expected}`)
  }

  async #load(at: number): Promise<void> {
    this.#window = await this.source.read(at, Math.min(WINDOW_BYTES, this.source.size - at))
    this.#windowStart = at
    this.#reader = new BinaryReader(this.#window)
  }

  /** Whether the window has all of a field's start, or as much as there is. */
  #holds(at: number): boolean {
    const end = this.#windowStart + this.#window.length
    return at >= this.#windowStart && at < end && (at + LONGEST_FIELD_START <= end || end === this.source.size)
  }

  #field(at: number): Field {
    const reader = this.#reader
    const position = () => this.#windowStart + reader.pos
    reader.pos = at - this.#windowStart
    let value = 0n
    let length = 0
    try {
      const [number, type] = reader.tag()
      if (type === WireType.LengthDelimited) length = reader.uint32()
      const start = position()
      if (type === WireType.Varint) {
        value = BigInt(reader.uint64())
        length = position() - start
      } else if (type === WireType.Bit32) length = 4
      else if (type === WireType.Bit64) length = 8
      else if (type !== WireType.LengthDelimited) throw new RangeError(`fields of type ${type} are not used in models`)
      return { number, type, value, start, end: start + length }
    } catch (cause) {
      throw this.error(at, 'this is no message of protocol buffers', { cause })
    }
  }
}
