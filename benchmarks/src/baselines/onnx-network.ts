import { constant, FLOAT, INT8, type OnnxProto } from './onnx-graphs.ts'
import { quantiseRows } from './quantise.ts'
import { transpose } from './transpose.ts'

/** TensorProto.DataType. */
export const INT32 = 6
export const INT64 = 7

/** A tensor of a network, row-major. */
export interface NetworkTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** The tensors of a network by the names of its checkpoint. */
export type NetworkTensors = ReadonlyMap<string, NetworkTensor>

/** How products with constant weights are written: whole, or quantised to 8 bits in the way of ONNX Runtime's `quantize_dynamic`. */
export type ProductType = 'f32' | 'q8'

/** A model file, and the bytes of the weights in it. */
export interface OnnxModel {
  readonly bytes: Uint8Array
  readonly weightBytes: number
}

/** Axis names stand for extents that differ from run to run. */
type Extents = readonly (number | string)[]

export const int = (name: string, i: number) => ({ name, type: 2, i })
export const float = (name: string, f: number) => ({ name, type: 1, f })
export const ints = (name: string, values: readonly number[]) => ({ name, type: 7, ints: values })
type Attribute = ReturnType<typeof int> | ReturnType<typeof float> | ReturnType<typeof ints>

/** Writes the graph of a network node by node. Every method returns the name of what it computes. */
export class NetworkGraph {
  readonly #tensors: NetworkTensors
  readonly #products: ProductType
  readonly #nodes: object[] = []
  readonly #constants: object[] = []
  readonly #inputs: object[] = []
  readonly #outputs: object[] = []
  /** What has been computed once for all who use it: constants, and activations in 8 bits. */
  readonly #shared = new Map<string, readonly string[]>()
  #weightBytes = 0
  #count = 0

  constructor(tensors: NetworkTensors, products: ProductType) {
    this.#tensors = tensors
    this.#products = products
  }

  /** Bytes of all constants that came from the checkpoint. */
  get weightBytes(): number {
    return this.#weightBytes
  }

  input(name: string, type: number, shape: Extents): string {
    this.#inputs.push(value(name, type, shape))
    return name
  }

  output(name: string, from: string, shape: Extents): void {
    this.#nodes.push({ opType: 'Identity', input: [from], output: [name] })
    this.#outputs.push(value(name, FLOAT, shape))
  }

  /** A node with one output. */
  node(opType: string, input: readonly string[], ...attribute: readonly Attribute[]): string {
    return this.nodes(opType, input, 1, attribute)[0]
  }

  nodes(opType: string, input: readonly string[], outputs: number, attribute: readonly Attribute[] = []): string[] {
    const output = Array.from({ length: outputs }, () => this.#name(opType))
    this.#nodes.push({ opType, input, output, attribute, domain: MICROSOFT_OPERATORS.has(opType) ? MICROSOFT : '' })
    return output
  }

  scalar(value: number): string {
    return this.#once(`scalar ${value}`, () => [this.#constant([], FLOAT, Float32Array.of(value))])[0]
  }

  /** A constant list of whole numbers: shapes, axes. */
  whole(...values: number[]): string {
    return this.#once(`whole ${values}`, () => [
      this.#constant([values.length], INT64, BigInt64Array.from(values, BigInt)),
    ])[0]
  }

  tensor(name: string): NetworkTensor {
    const found = this.#tensors.get(name)
    if (!found) throw new RangeError(`the network has no tensor ${name}`)
    return found
  }

  /** A constant index. */
  index(at: number): string {
    return this.#once(`index ${at}`, () => [this.#constant([], INT64, BigInt64Array.of(BigInt(at)))])[0]
  }

  /** A constant table, computed. */
  table([rows, columns]: readonly [number, number], at: (row: number, column: number) => number): string {
    const data = Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns))
    return this.#constant([rows, columns], FLOAT, data)
  }

  /** A tensor of the checkpoint as it is. */
  parameter(name: string): string {
    const { shape, data } = this.tensor(name)
    return this.#once(`parameter ${name}`, () => [this.#weights(shape, FLOAT, data)])[0]
  }

  /** Rows of a table; in 8 bits they are kept with one scale. */
  gather(name: string, indices: string): string {
    if (this.#products === 'f32') return this.node('Gather', [this.parameter(name), indices])
    const { shape, data } = this.tensor(name)
    const { values, scales } = quantiseRows(data, 1, data.length)
    const rows = this.node('Gather', [this.#weights(shape, INT8, values), indices])
    return this.node('DequantizeLinear', [rows, this.scalar(scales[0]), this.#zero()])
  }

  /** x · wᵀ with `<name>.weight` [outputs, inputs], plus `<name>.bias` where there is one. */
  linear(name: string, x: string): string {
    const { shape, data } = this.tensor(`${name}.weight`)
    const [m, k] = shape
    const product = this.#product(x, data, m, k)
    return this.#tensors.has(`${name}.bias`) ? this.node('Add', [product, this.parameter(`${name}.bias`)]) : product
  }

  encode({ onnx }: OnnxProto): Uint8Array {
    return onnx.ModelProto.encode({
      irVersion: 8,
      opsetImport: [
        { domain: '', version: 17 },
        { domain: MICROSOFT, version: 1 },
      ],
      graph: {
        name: 'network',
        node: this.#nodes,
        initializer: this.#constants,
        input: this.#inputs,
        output: this.#outputs,
      },
    }).finish()
  }

  /** x [1, inputs] · wᵀ, where w is also the table of embeddings: kept once, if it is kept whole. */
  tiedHead(name: string, x: string): string {
    const { shape, data } = this.tensor(name)
    return this.#products === 'f32'
      ? this.node('Gemm', [x, this.parameter(name)], int('transB', 1))
      : this.#product(x, data, shape[0], shape[1])
  }

  #product(x: string, data: Float32Array, m: number, k: number): string {
    return this.#products === 'f32'
      ? this.node('MatMul', [x, this.#weights([k, m], FLOAT, transpose(data, m, k))])
      : this.#quantisedProduct(x, data, m, k)
  }

  #quantisedProduct(x: string, data: Float32Array, m: number, k: number): string {
    const { values, scales } = quantiseRows(data, m, k)
    const [xq, xScale, xZero] = this.#once(`quantised ${x}`, () => this.nodes('DynamicQuantizeLinear', [x], 3))
    const sum = this.node('MatMulInteger', [xq, this.#weights([k, m], INT8, values), xZero, this.#zero()])
    const scale = this.node('Mul', [xScale, this.#weights([m], FLOAT, scales)])
    return this.node('Mul', [this.node('Cast', [sum], int('to', FLOAT)), scale])
  }

  #zero(): string {
    return this.#once('zero', () => [this.#constant([], INT8, new Int8Array(1))])[0]
  }

  #weights(shape: readonly number[], type: number, data: Float32Array | Int8Array): string {
    this.#weightBytes += data.byteLength
    return this.#constant(shape, type, data)
  }

  #constant(shape: readonly number[], type: number, data: ArrayBufferView): string {
    const name = this.#name('constant')
    this.#constants.push(constant(name, [...shape], type, data))
    return name
  }

  #once(key: string, make: () => readonly string[]): readonly string[] {
    const made = this.#shared.get(key) ?? make()
    this.#shared.set(key, made)
    return made
  }

  #name(what: string): string {
    return `${what}_${++this.#count}`
  }
}

const MICROSOFT = 'com.microsoft'
/** Operators of ONNX Runtime's own. */
const MICROSOFT_OPERATORS = new Set(['GroupQueryAttention'])

function value(name: string, elemType: number, shape: Extents) {
  const dim = shape.map((extent) => (typeof extent === 'number' ? { dimValue: extent } : { dimParam: extent }))
  return { name, type: { tensorType: { elemType, shape: { dim } } } }
}
