import type { Task } from '../runner/task.ts'
import { loadPackage } from './load.ts'

/** The parts of onnx-proto that are used; it is a CommonJS module. */
interface OnnxProto {
  readonly default: {
    readonly onnx: { readonly ModelProto: { encode(model: object): { finish(): Uint8Array } } }
  }
}

const FLOAT = 1
const INT8 = 3
/** AttributeProto.AttributeType.INT. */
const INT_ATTRIBUTE = 2
const IR_VERSION = 8
const OPSET = 17

function node(opType: string, input: string[], output: string[]) {
  return { opType, input, output, name: output[0] }
}

function tensorOf(name: string, dataType: number, dims: number[], data: Float32Array | Int8Array | Uint8Array) {
  return { name, dataType, dims, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

function floats(name: string, dims: number[]) {
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } } }
}

async function encode(nodes: object[], initializers: object[], input: number[], output: number[]): Promise<Uint8Array> {
  const { module } = await loadPackage<OnnxProto>('onnx-proto')
  const graph = {
    name: 'product',
    node: nodes,
    initializer: initializers,
    input: [floats('x', input)],
    output: [floats('y', output)],
  }
  return module.default.onnx.ModelProto.encode({
    irVersion: IR_VERSION,
    opsetImport: [{ version: OPSET }],
    graph,
  }).finish()
}

/** A graph with one input x and one output y, and how they hold the product's operands. */
export interface ProductGraph {
  readonly model: Uint8Array
  /** `columns`: x is [k, n] and y [m, n]; `tokens`: [n, k] and [n, m]. */
  readonly held: 'columns' | 'tokens'
  /** The largest error that rounding to 8 bits explains; undefined in f32. */
  readonly tolerance: number | undefined
}

/** y = w x in f32: one MatMul, with the weights as an initializer. */
export async function denseGraph(task: Task): Promise<ProductGraph> {
  const { m, k, n } = task
  const weights = tensorOf('w', FLOAT, [m, k], task.dense())
  const model = await encode([node('MatMul', ['w', 'x'], ['y'])], [weights], [k, n], [m, n])
  return { model, held: 'columns', tolerance: undefined }
}

/**
 * Dynamic quantisation as onnxruntime's tool makes it: i8 weights with one scale, activations quantised to u8 at each run,
 * MatMulInteger, and back to f32. Activations come first, token-major: the fused operator has no other form.
 */
export async function quantisedGraph(task: Task): Promise<ProductGraph> {
  const { m, k, n } = task
  const dense = task.dense()
  let most = 0
  for (const value of dense) most = Math.max(most, Math.abs(value))
  const step = most / 127 || 1
  const weights = new Int8Array(k * m)
  for (let row = 0; row < m; row++) {
    for (let i = 0; i < k; i++) weights[i * m + row] = Math.round(dense[row * k + i] / step)
  }
  const nodes = [
    node('DynamicQuantizeLinear', ['x'], ['x8', 'xScale', 'xZero']),
    node('MatMulInteger', ['x8', 'w8', 'xZero', 'wZero'], ['sum']),
    { ...node('Cast', ['sum'], ['float']), attribute: [{ name: 'to', type: INT_ATTRIBUTE, i: FLOAT }] },
    node('Mul', ['xScale', 'wScale'], ['scale']),
    node('Mul', ['float', 'scale'], ['y']),
  ]
  const initializers = [
    tensorOf('w8', INT8, [k, m], weights),
    tensorOf('wZero', INT8, [], new Int8Array(1)),
    tensorOf('wScale', FLOAT, [], Float32Array.of(step)),
  ]
  const model = await encode(nodes, initializers, [n, k], [n, m])
  return { model, held: 'tokens', tolerance: toleranceOf(task, step) }
}

/** Half a step of each weight times the activations, plus half a step of each activation times the weights, in the worst row. */
function toleranceOf({ dense, x, m, k }: Task, step: number): number {
  let most = 0
  for (const value of x) most = Math.max(most, Math.abs(value))
  const values = dense()
  let worst = 0
  for (let row = 0; row < m; row++) {
    let sum = 0
    for (let i = 0; i < k; i++) sum += Math.abs(values[row * k + i])
    worst = Math.max(worst, sum)
  }
  return (step / 2) * k * most + (most / 127) * worst
}
