import { rangeError } from '../errors.ts'

/** A RangeError about a file: its name, the byte where it is wrong, and what was expected. */
export function fileError(file: string, offset: number, message: string): RangeError {
  return rangeError('NNZ_FILE', `${file}: at byte ${offset}: ${message}`)
}
