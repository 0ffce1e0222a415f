import { duplicateKey } from './duplicate-key.ts'
import { FileFormatError } from './file-error.ts'
import { ARRAY_TYPES } from './safetensors.ts'
import { type Contents, type Description, FORMAT_VERSION } from './storable.ts'

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAttribute(value: unknown): boolean {
  return ['number', 'string', 'boolean'].includes(typeof value) || isNumbers(value)
}

function isNumbers(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'number')
}

function isDescription(value: unknown): value is Description {
  return (
    isObject(value) &&
    typeof value.layout === 'string' &&
    isNumbers(value.shape) &&
    isObject(value.attributes) &&
    Object.values(value.attributes).every(isAttribute) &&
    isObject(value.arrays) &&
    Object.values(value.arrays).every((type) => Object.keys(ARRAY_TYPES).includes(type as string)) &&
    ['string', 'undefined'].includes(typeof value.gaps) &&
    ['number', 'undefined'].includes(typeof value.groupColumns)
  )
}

/**
 * The part of the header that says which tensors make up which layouts; none for files of others.
 *
 * @throws RangeError if it is of another version, or not what `save` writes
 */
export function expectContents(text: string | undefined, file: string): Contents {
  if (text === undefined) return { version: FORMAT_VERSION, layouts: {} }
  // In the header of the file, which begins at byte 8.
  const wrong = (message: string) => new FileFormatError(file, 8, message)
  let contents: unknown
  try {
    contents = JSON.parse(text)
  } catch {
    throw wrong('the description of its layouts is not JSON')
  }
  if (!isObject(contents)) throw wrong('the description of its layouts is not an object')
  const { version, layouts } = contents
  if (version !== FORMAT_VERSION)
    throw wrong(
      `its layouts are stored in version ${JSON.stringify(version)}, this library reads version ${FORMAT_VERSION}`,
    )
  if (!isObject(layouts)) throw wrong('expected layouts by name')
  const twice = duplicateKey(text)
  if (twice !== undefined) throw wrong(`the description of its layouts has ${JSON.stringify(twice)} twice`)
  for (const [name, description] of Object.entries(layouts))
    if (!isDescription(description)) throw wrong(`${JSON.stringify(name)}: expected the description of a layout`)
  return { version, layouts: layouts as Record<string, Description> }
}
