import type { ErrorCode } from '../errors.ts'

/**
 * Thrown by every reader for bytes that do not follow the format: `file` is the name that the reader was given, `offset` the
 * byte at which the trouble was found. The message begins with both.
 */
export class FileFormatError extends RangeError {
  readonly code: ErrorCode = 'NNZ_FILE'
  readonly file: string
  readonly offset: number

  constructor(file: string, offset: number, message: string, options?: ErrorOptions) {
    super(`${file}: at byte ${offset}: ${message}`, options)
    this.name = 'FileFormatError'
    this.file = file
    this.offset = offset
  }
}
