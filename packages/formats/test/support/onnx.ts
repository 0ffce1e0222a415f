import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** Writes one message. */
export type Message = (writer: BinaryWriter) => void

export const encode = (message: Message): Uint8Array => {
  const writer = new BinaryWriter()
  message(writer)
  return writer.finish()
}

export const bytes = (number: number, value: Uint8Array) => (writer: BinaryWriter) =>
  void writer.tag(number, WireType.LengthDelimited).bytes(value)

export const message =
  (number: number, ...fields: Message[]): Message =>
  (writer) =>
    bytes(
      number,
      encode((inner) => {
        for (const field of fields) field(inner)
      }),
    )(writer)

export const text = (number: number, value: string): Message => bytes(number, new TextEncoder().encode(value))

export const whole =
  (number: number, value: number | bigint): Message =>
  (writer) =>
    void writer.tag(number, WireType.Varint).int64(value)

/** A `TensorProto`; its elements are more fields. */
export const initialiser = (name: string, type: number, shape: readonly (number | bigint)[], ...elements: Message[]) =>
  message(5, ...shape.map((extent) => whole(1, extent)), whole(2, type), text(8, name), ...elements)

export const raw = (data: ArrayBufferView): Message =>
  bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))

/** Elements in another file. */
export const elsewhere = (pairs: Record<string, string>): Message[] => [
  ...Object.entries(pairs).map(([key, value]) => message(13, text(1, key), text(2, value))),
  whole(14, 1),
]

/** A node whose output is called after it; lists of numbers are not packed. */
export const node = (
  operation: string,
  inputs: readonly string[],
  attributes: Record<string, number | readonly number[]> = {},
): Message =>
  message(
    1,
    ...inputs.map((input) => text(1, input)),
    text(2, `${operation} output`),
    text(3, `the ${operation}`),
    text(4, operation),
    ...Object.entries(attributes).map(([name, value]) =>
      typeof value === 'number'
        ? message(5, text(1, name), whole(3, value), whole(20, 2))
        : message(5, text(1, name), ...value.map((one) => whole(8, one)), whole(20, 7)),
    ),
  )

export const model = (...graph: Message[]): Uint8Array =>
  encode((writer) => {
    const opset = message(8, text(1, ''), whole(2, 17))
    const fields = [whole(1, 8), text(2, 'nnz'), message(7, ...graph), opset, message(14, text(1, 'k'), text(2, 'v'))]
    for (const field of fields) field(writer)
  })

const packed = (number: number, write: (writer: BinaryWriter) => void) => bytes(number, encode(write))

/** Initialisers of every kind, and operations that take them. */
export function everyKind(): Uint8Array {
  return model(
    node('MatMul', ['x', 'w']),
    node('Gemm', ['y', 'half'], { transB: 1, alpha: 0 }),
    node('Gemm', ['z', 'w'], { transB: 0 }),
    node('Gather', ['typed', 'whole']),
    initialiser('w', 1, [2, 3], raw(Float32Array.of(1, -2, 3, 4, 5, 6))),
    initialiser('half', 10, [1, 2], raw(Uint16Array.of(0x3c00, 0xc000))),
    initialiser(
      'typed',
      1,
      [3],
      packed(4, (writer) => void writer.float(0.5).float(-1).float(8)),
    ),
    initialiser('single', 1, [1], (writer) => void writer.tag(4, WireType.Bit32).float(7)),
    initialiser(
      'small',
      3,
      [3],
      packed(5, (writer) => void writer.int32(-128).int32(127).int32(0)),
    ),
    initialiser(
      'bits',
      16,
      [2],
      packed(5, (writer) => void writer.int32(0x3f80).int32(0xc120)),
    ),
    initialiser(
      'whole',
      7,
      [2],
      packed(7, (writer) => void writer.int64(-5).int64(2n ** 40n)),
    ),
    initialiser(
      'double',
      11,
      [1],
      packed(10, (writer) => void writer.double(0.1)),
    ),
    initialiser(
      'unsigned',
      12,
      [1],
      packed(11, (writer) => void writer.uint64(4294967295)),
    ),
    initialiser('scalar', 1, [], raw(Float32Array.of(9))),
    initialiser('none', 1, [0, 5]),
    initialiser('words', 8, [1], text(6, 'abc')),
  )
}
