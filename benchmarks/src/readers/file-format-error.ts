/**
 * Thrown by every reader for bytes that do not follow the format. `file` is the name that the reader was given and
 * `offset` the byte at which the trouble was found; both stand at the beginning of the message.
 */
export class FileFormatError extends RangeError {
  readonly code = 'NNZ_FILE_FORMAT'
  readonly file: string
  readonly offset: number

  constructor(file: string, offset: number, message: string, options?: ErrorOptions) {
    super(`${file}, offset ${offset}: ${message}`, options)
    this.name = 'FileFormatError'
    this.file = file
    this.offset = offset
  }
}
