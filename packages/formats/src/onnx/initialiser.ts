import { WireType } from '@bufbuild/protobuf/wire'
import { elementCount, quote, type TensorEntry } from '../tensor-file.ts'
import { expectLocation } from './external.ts'
import type { Field, MessageReader } from './message-reader.ts'
import { isTypedField } from './typed-data.ts'
import { elementBytes, elementType } from './types.ts'

/** Where the elements of an initialiser are. */
export type Place =
  /** Bytes of the model. */
  | { readonly kind: 'raw' }
  /** Fields of its own type, among all of the message's. */
  | { readonly kind: 'typed' }
  /** Bytes of another file. */
  | { readonly kind: 'external'; readonly location: string; readonly offset: number }

/** What a `TensorProto` says; `offset` and `byteLength` are those of its bytes, or of the whole message. */
export interface Initialiser extends TensorEntry {
  readonly place: Place
}

const MOST_AXES = 32
const EXTERNAL = 1n

/**
 * Reads all of a `TensorProto` but its elements.
 *
 * @throws FileFormatError where type and shape do not fit the bytes
 */
export async function readInitialiser(reader: MessageReader, message: Field): Promise<Initialiser> {
  reader.expect(message, WireType.LengthDelimited)
  const shape: number[] = []
  const external = new Map<string, string>()
  let [name, type, typed, elsewhere] = ['', 0, false, false]
  let raw: Field | undefined
  for await (const field of reader.fields(message.start, message.end)) {
    if (field.number === 1) shape.push(...(await readExtents(reader, field)))
    else if (field.number === 2) type = reader.whole(field)
    else if (field.number === 8) name = await reader.text(field)
    else if (field.number === 9) {
      reader.expect(field, WireType.LengthDelimited)
      if (raw) throw reader.error(field.start, 'a tensor has its bytes twice')
      raw = field
    } else if (field.number === 13) external.set(...(await readPair(reader, field)))
    else if (field.number === 14) elsewhere = field.value === EXTERNAL
    else typed ||= isTypedField(field.number)
    if (shape.length > MOST_AXES) throw reader.error(field.start, `expected at most ${MOST_AXES} axes`)
  }
  const fail = (what: string) => reader.error(message.start, `initialiser ${quote(name)}: ${what}`)
  if (shape.some((extent) => extent < 0)) throw fail(`expected a shape without negative extents, got [${shape}]`)
  if (raw && (typed || elsewhere)) throw fail('its elements are in two places')
  const dtype = elementType(type)
  const bytes = elementBytes(dtype)
  const needed = bytes === undefined ? undefined : elementCount(shape) * bytes
  if (elsewhere) {
    const [location, offset] = [external.get('location'), Number(external.get('offset') ?? 0)]
    const byteLength = Number(external.get('length') ?? needed)
    if (location === undefined) throw fail('it says in no way in which file its elements are')
    expectLocation(location, fail)
    if (![offset, byteLength].every((count) => Number.isSafeInteger(count) && count >= 0) || needed !== byteLength)
      throw fail(`[${shape.join(', ')}] of ${dtype} takes ${needed} bytes, ${byteLength} are said to be in ${location}`)
    return { name, dtype, shape, offset: message.start, byteLength, place: { kind: 'external', location, offset } }
  }
  if (raw || (!typed && needed === 0)) {
    const { start, end } = raw ?? { start: message.start, end: message.start }
    if (needed !== undefined && needed !== end - start)
      throw fail(`[${shape.join(', ')}] of ${dtype} takes ${needed} bytes, it has ${end - start}`)
    return { name, dtype, shape, offset: start, byteLength: end - start, place: { kind: 'raw' } }
  }
  const [offset, byteLength] = [message.start, message.end - message.start]
  // Each element takes a byte at least.
  if (elementCount(shape) > byteLength)
    throw fail(`[${shape.join(', ')}] are more elements than its ${byteLength} bytes`)
  return { name, dtype, shape, offset, byteLength, place: { kind: 'typed' } }
}

/** One number, or several packed into bytes. */
async function readExtents(reader: MessageReader, field: Field): Promise<number[]> {
  if (field.type !== WireType.LengthDelimited) return [reader.whole(field)]
  if (field.end - field.start > 10 * MOST_AXES) throw reader.error(field.start, `expected at most ${MOST_AXES} axes`)
  return [...(await reader.values(field, (packed) => Number(packed.int64())))]
}

/** A `StringStringEntryProto`. */
export async function readPair(reader: MessageReader, message: Field): Promise<[key: string, value: string]> {
  reader.expect(message, WireType.LengthDelimited)
  const pair: [string, string] = ['', '']
  for await (const field of reader.fields(message.start, message.end))
    if (field.number === 1 || field.number === 2) pair[field.number - 1] = await reader.text(field)
  return pair
}
