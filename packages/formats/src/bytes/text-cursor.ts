import { FileFormatError } from '@nnz/core/storage'

const TAB = 9
const NEWLINE = 10
const RETURN = 13
const SPACE = 32
const COMMA = 44
const ZERO = 48
const NINE = 57
const LONGEST_NUMBER = 64
const LATIN1 = new TextDecoder('latin1')
const REAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** Reads numbers and lines from ASCII text, byte by byte, and knows where it stands. */
export class TextCursor {
  offset = 0
  readonly file: string
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, file: string, offset = 0) {
    this.#bytes = bytes
    this.file = file
    this.offset = offset
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.offset
  }

  fail(message: string, offset = this.offset): never {
    throw new FileFormatError(this.file, offset, message)
  }

  /**
   * Refuses a count of numbers that the bytes left cannot hold, each of them being at least one digit and one
   * separator. Arrays may be allocated afterwards.
   */
  expectRoomFor(count: number, what: string): void {
    const room = Math.floor((this.remaining + 1) / 2)
    if (count > room) this.fail(`expected ${count} ${what}, but the ${this.remaining} bytes left hold at most ${room}`)
  }

  /** Skips spaces, tabs and commas. */
  skipBlanks(): void {
    for (let byte = this.#bytes[this.offset]; byte === SPACE || byte === TAB || byte === COMMA; )
      byte = this.#bytes[++this.offset]
  }

  /** Skips spaces, tabs, commas and line ends. */
  skipSeparators(): void {
    while (this.offset < this.#bytes.length && isSeparator(this.#bytes[this.offset])) this.offset++
  }

  /** The next byte as a character, without reading it; the empty string at the end. */
  peek(): string {
    return this.remaining > 0 ? String.fromCharCode(this.#bytes[this.offset]) : ''
  }

  /** What is left of this line, without its end. */
  line(): string {
    const start = this.offset
    let end = this.#bytes.indexOf(NEWLINE, start)
    if (end < 0) end = this.#bytes.length
    this.offset = Math.min(end + 1, this.#bytes.length)
    if (this.#bytes[end - 1] === RETURN && end > start) end--
    return this.#text(start, end)
  }

  /** Reads the end of a line, or of the file. */
  endOfLine(): void {
    this.skipBlanks()
    if (this.#bytes[this.offset] === RETURN) this.offset++
    if (this.remaining > 0 && this.#bytes[this.offset] !== NEWLINE)
      this.fail(`expected the end of the line, got ${this.#found()}`)
    if (this.remaining > 0) this.offset++
  }

  /** Only separators may follow. */
  endOfFile(): void {
    this.skipSeparators()
    if (this.remaining > 0) this.fail(`expected the end of the file, got ${this.#found()}`)
  }

  /** A whole number in 0..max, on this line, after blanks. */
  whole(max: number, what: string): number {
    this.skipBlanks()
    const start = this.offset
    let value = 0
    let byte = this.#bytes[this.offset]
    while (byte >= ZERO && byte <= NINE) {
      value = value * 10 + (byte - ZERO)
      if (value > max) this.fail(`expected ${what} in 0..${max}, got ${this.#found(start)}`, start)
      byte = this.#bytes[++this.offset]
    }
    if (this.offset === start || (this.remaining > 0 && !isSeparator(byte))) {
      this.fail(`expected ${what}, a whole number, got ${this.#found(start)}`, start)
    }
    return value
  }

  /** A decimal number, on this line, after blanks; a suffix `f`, NaN and infinities are refused. */
  real(what: string): number {
    this.skipBlanks()
    const start = this.offset
    const end = this.#tokenEnd(start)
    const token = this.#text(start, end)
    if (!REAL.test(token)) this.fail(`expected ${what}, a decimal number, got ${this.#found(start)}`, start)
    this.offset = end
    return Number(token)
  }

  #tokenEnd(start: number): number {
    const limit = Math.min(this.#bytes.length, start + LONGEST_NUMBER)
    let end = start
    while (end < limit && !isSeparator(this.#bytes[end])) end++
    return end
  }

  #text(start: number, end: number): string {
    return LATIN1.decode(this.#bytes.subarray(start, end))
  }

  #found(start = this.offset): string {
    if (start >= this.#bytes.length) return 'the end of the file'
    if (isSeparator(this.#bytes[start])) return 'the end of the line'
    return JSON.stringify(this.#text(start, Math.min(this.#tokenEnd(start), start + 24)))
  }
}

function isSeparator(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === COMMA || byte === TAB || byte === RETURN
}
