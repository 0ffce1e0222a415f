import { type BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { toElements } from '../elements.ts'
import { elementCount, quote } from '../tensor-file.ts'
import type { Initialiser } from './initialiser.ts'
import type { MessageReader } from './message-reader.ts'
import { elementBytes } from './types.ts'

/** How one element of a field is read. */
interface TypedField {
  /** Types whose elements stand in it. */
  readonly dtypes: readonly string[]
  /** Of an element that is not packed. */
  readonly type: WireType
  readonly read: (reader: BinaryReader) => number | bigint
}

/** `float_data`, `int32_data`, `int64_data`, `double_data` and `uint64_data` of a `TensorProto`, by the field's number. */
const FIELDS: Readonly<Record<number, TypedField>> = {
  4: { dtypes: ['F32'], type: WireType.Bit32, read: (reader) => reader.float() },
  5: {
    // Halves as their bits.
    dtypes: ['I32', 'I16', 'I8', 'U16', 'U8', 'BOOL', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'],
    type: WireType.Varint,
    read: (reader) => reader.int32(),
  },
  7: { dtypes: ['I64'], type: WireType.Varint, read: (reader) => BigInt(reader.int64()) },
  10: { dtypes: ['F64'], type: WireType.Bit64, read: (reader) => reader.double() },
  11: { dtypes: ['U64', 'U32'], type: WireType.Varint, read: (reader) => BigInt(reader.uint64()) },
}

export function isTypedField(number: number): boolean {
  return Object.hasOwn(FIELDS, number)
}

/**
 * The elements that stand in fields of their own type, as the bytes of an array.
 *
 * @throws FileFormatError where they are not as many as the shape says, do not fit their type, or stand in another field
 */
export async function readTypedData(
  reader: MessageReader,
  { name, dtype, shape, offset, byteLength }: Initialiser,
): Promise<Uint8Array<ArrayBuffer>> {
  const fail = (at: number, what: string) => reader.error(at, `initialiser ${quote(name)}: ${what}`)
  const wanted = Object.entries(FIELDS).find(([, { dtypes }]) => dtypes.includes(dtype))
  if (!wanted) throw fail(offset, `elements of type ${dtype} cannot be read`)
  const [number, { type, read }] = [Number(wanted[0]), wanted[1]]
  const count = elementCount(shape)
  const elements = toElements(new Uint8Array(count * elementBytes(dtype)!), dtype)
  const large = elements instanceof BigInt64Array || elements instanceof BigUint64Array
  let at = 0
  for await (const field of reader.fields(offset, offset + byteLength)) {
    if (!isTypedField(field.number)) continue
    if (field.number !== number) throw fail(field.start, `elements of ${dtype} stand in field ${field.number}`)
    if (field.type !== WireType.LengthDelimited) reader.expect(field, type)
    for (const value of await reader.values(field, read)) {
      if (at === count) throw fail(field.start, `there are more elements than the ${count} of its shape`)
      const element = large ? value : Number(value)
      elements[at] = element
      if (!Object.is(elements[at++], element)) throw fail(field.start, `${value} is not of type ${dtype}`)
    }
  }
  if (at !== count) throw fail(offset, `expected ${count} elements, there are ${at}`)
  return new Uint8Array(elements.buffer)
}
