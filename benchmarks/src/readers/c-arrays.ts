import { TextCursor } from '@nnz/formats'

/** A constant array of a C source file. */
export interface CArray {
  readonly type: 'int8' | 'int' | 'float'
  readonly values: Int8Array | Int32Array | Float32Array
  /** Where its first number stands in the file. */
  readonly offset: number
}

const TYPES = { opus_int8: 'int8', int: 'int', float: 'float' } as const
const LIMITS = { int8: 2 ** 7, int: 2 ** 31 } as const

/**
 * Reads every `static const <opus_int8 | int | float> name[count] = { … };` of generated C source; the rest is skipped.
 *
 * @throws FileFormatError where an array does not hold as many numbers as it declares, a number does not fit its type,
 * or a name stands twice.
 */
export function readCArrays(bytes: Uint8Array, file: string): Map<string, CArray> {
  const source = new TextDecoder('latin1').decode(bytes)
  const arrays = new Map<string, CArray>()
  const declaration = /static const (opus_int8|int|float) (\w{1,200})\[(\d{1,10})\] = \{/g
  for (let match = declaration.exec(source); match; match = declaration.exec(source)) {
    const [, cType, name, count] = match
    const text = new TextCursor(bytes, file, declaration.lastIndex)
    if (arrays.has(name)) text.fail(`the array ${name} stands twice`, match.index)
    const array = readNumbers(text, TYPES[cType as keyof typeof TYPES], Number(count), name)
    arrays.set(name, array)
    declaration.lastIndex = text.offset
  }
  return arrays
}

function readNumbers(text: TextCursor, type: CArray['type'], count: number, name: string): CArray {
  text.expectRoomFor(count, `numbers of ${name}`)
  const values =
    type === 'float' ? new Float32Array(count) : type === 'int' ? new Int32Array(count) : new Int8Array(count)
  text.skipSeparators()
  const offset = text.offset
  for (let i = 0; i < count; i++) {
    text.skipSeparators()
    const start = text.offset
    const value = text.real(`number ${i} of ${name}`)
    if (type !== 'float' && (!Number.isInteger(value) || value < -LIMITS[type] || value >= LIMITS[type])) {
      text.fail(`number ${i} of ${name} is not an ${type}: ${value}`, start)
    }
    values[i] = value
  }
  text.skipSeparators()
  if (text.peek() !== '}') text.fail(`expected the array ${name} to end after ${count} numbers`)
  return { type, values, offset }
}
