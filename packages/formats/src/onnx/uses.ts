import { WireType } from '@bufbuild/protobuf/wire'
import type { Field, MessageReader } from './message-reader.ts'

/** An operation that takes an initialiser. */
export interface OnnxUse {
  /** `MatMul`, `Gemm`, `Conv`, … */
  readonly operation: string
  /** The node's name; many have none. */
  readonly node: string
  /** Which of the node's inputs it is. */
  readonly input: number
  /**
   * The axis of the initialiser along which the outputs lie, where the operation is a product or a convolution: 1 for the
   * [inputs, outputs] of a MatMul, 0 for the [outputs, inputs] of a Gemm with transB.
   */
  readonly outputAxis: number | undefined
}

/** What a node says, as far as it matters here. */
export interface OnnxNode {
  readonly operation: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly transposed: { readonly a: boolean; readonly b: boolean }
}

/** A `NodeProto`. */
export async function readNode(reader: MessageReader, message: Field): Promise<OnnxNode> {
  reader.expect(message, WireType.LengthDelimited)
  const inputs: string[] = []
  const outputs: string[] = []
  const transposed = { a: false, b: false }
  let [operation, name] = ['', '']
  for await (const field of reader.fields(message.start, message.end)) {
    if (field.number === 1) inputs.push(await reader.text(field))
    else if (field.number === 2) outputs.push(await reader.text(field))
    else if (field.number === 3) name = await reader.text(field)
    else if (field.number === 4) operation = await reader.text(field)
    else if (field.number === 5) {
      const attribute = await readAttribute(reader, field)
      if (attribute.name === 'transA') transposed.a = attribute.value !== 0
      if (attribute.name === 'transB') transposed.b = attribute.value !== 0
    }
  }
  return { operation, name, inputs, outputs, transposed }
}

/** Name and whole number of an `AttributeProto`. */
async function readAttribute(reader: MessageReader, message: Field): Promise<{ name: string; value: number }> {
  reader.expect(message, WireType.LengthDelimited)
  let [name, value] = ['', 0]
  for await (const field of reader.fields(message.start, message.end)) {
    if (field.number === 1) name = await reader.text(field)
    if (field.number === 3) value = reader.whole(field)
  }
  return { name, value }
}

type OutputAxis = (rank: number, transposed: OnnxNode['transposed']) => number

const last: OutputAxis = (rank) => rank - 1
const beforeLast: OutputAxis = (rank) => rank - 2
const first: OutputAxis = () => 0

/** For each operation, and for each of its inputs that can be a weight. */
const OUTPUT_AXES: Readonly<Record<string, Readonly<Record<number, OutputAxis>>>> = {
  MatMul: { 0: beforeLast, 1: last },
  MatMulInteger: { 0: beforeLast, 1: last },
  QLinearMatMul: { 0: beforeLast, 3: last },
  Gemm: { 0: (_, { a }) => (a ? 1 : 0), 1: (_, { b }) => (b ? 0 : 1) },
  Conv: { 1: first },
  ConvInteger: { 1: first },
  QLinearConv: { 3: first },
  ConvTranspose: { 1: () => 1 },
}

/** How a node uses its input. */
export function useOf({ operation, name, transposed }: OnnxNode, input: number, rank: number): OnnxUse {
  const axis = Object.hasOwn(OUTPUT_AXES, operation) ? OUTPUT_AXES[operation][input] : undefined
  return { operation, node: name, input, outputAxis: rank < 2 ? undefined : axis?.(rank, transposed) }
}
