import { WireType } from '@bufbuild/protobuf/wire'
import type { Field, MessageReader } from './message-reader.ts'

/** An operation that takes an initialiser, as it is or through operations that only pass it on. */
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
  /** The order of axes of a Transpose, where it says one. */
  readonly order: readonly number[] | undefined
}

/** A `NodeProto`. */
export async function readNode(reader: MessageReader, message: Field): Promise<OnnxNode> {
  reader.expect(message, WireType.LengthDelimited)
  const inputs: string[] = []
  const outputs: string[] = []
  const transposed = { a: false, b: false }
  let [operation, name] = ['', '']
  let order: number[] | undefined
  for await (const field of reader.fields(message.start, message.end)) {
    if (field.number === 1) inputs.push(await reader.text(field))
    else if (field.number === 2) outputs.push(await reader.text(field))
    else if (field.number === 3) name = await reader.text(field)
    else if (field.number === 4) operation = await reader.text(field)
    else if (field.number === 5) {
      const attribute = await readAttribute(reader, field)
      if (attribute.name === 'transA') transposed.a = attribute.value !== 0
      if (attribute.name === 'transB') transposed.b = attribute.value !== 0
      if (attribute.name === 'perm') order = attribute.values
    }
  }
  return { operation, name, inputs, outputs, transposed, order }
}

/** Name, whole number, and whole numbers of an `AttributeProto`. */
async function readAttribute(
  reader: MessageReader,
  message: Field,
): Promise<{ name: string; value: number; values: number[] }> {
  reader.expect(message, WireType.LengthDelimited)
  let [name, value] = ['', 0]
  const values: number[] = []
  for await (const field of reader.fields(message.start, message.end)) {
    if (field.number === 1) name = await reader.text(field)
    if (field.number === 3) value = reader.whole(field)
    if (field.number === 8)
      for (const one of await reader.values(field, (packed) => packed.int64())) values.push(Number(one))
  }
  return { name, value, values }
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

/** An initialiser, or what became of it on its way to an operation. */
interface Passed {
  readonly name: string
  readonly rank: number
  /** Whether its two axes have changed places. */
  readonly turned: boolean
}

/** Operations whose output is their first input, in another type or order. */
const PASSING: readonly string[] = ['Identity', 'Cast', 'DequantizeLinear', 'Transpose']

function passOn({ operation, order }: OnnxNode, passed: Passed): Passed | undefined {
  if (!PASSING.includes(operation)) return undefined
  if (operation !== 'Transpose' || order?.every((axis, i) => axis === i)) return passed
  return passed.rank === 2 ? { ...passed, turned: !passed.turned } : undefined
}

/**
 * For each initialiser the operations that take it.
 *
 * @param ranks axes of each initialiser
 * @param nodes each behind those whose outputs it takes, as ONNX wants it
 */
export function usesOf(ranks: ReadonlyMap<string, number>, nodes: readonly OnnxNode[]): Map<string, OnnxUse[]> {
  const uses = new Map<string, OnnxUse[]>()
  const known = new Map<string, Passed>()
  for (const [name, rank] of ranks) {
    uses.set(name, [])
    known.set(name, { name, rank, turned: false })
  }
  for (const node of nodes) {
    for (const [input, name] of node.inputs.entries()) {
      const passed = known.get(name)
      if (passed) uses.get(passed.name)!.push(useOf(node, input, passed))
    }
    const first = known.get(node.inputs[0])
    const next = first && passOn(node, first)
    for (const output of node.outputs) known.delete(output)
    if (next && node.outputs.length > 0) known.set(node.outputs[0], next)
  }
  return uses
}

function useOf({ operation, name, transposed }: OnnxNode, input: number, { rank, turned }: Passed): OnnxUse {
  const axis = Object.hasOwn(OUTPUT_AXES, operation) ? OUTPUT_AXES[operation][input]?.(rank, transposed) : undefined
  const outputAxis = rank < 2 || axis === undefined ? undefined : turned ? 1 - axis : axis
  return { operation, node: name, input, outputAxis }
}
