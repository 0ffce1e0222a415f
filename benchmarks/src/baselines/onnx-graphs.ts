import type { QuantisedWeights } from './quantise.ts'

/** The part of onnx-proto that is used here. */
export interface OnnxProto {
  readonly onnx: { readonly ModelProto: { encode(model: object): { finish(): Uint8Array } } }
}

/** TensorProto.DataType. */
export const FLOAT = 1
export const INT8 = 3

/** Y [n, m] = X [n, k] W [k, m], all f32, W a constant. */
export function matmulGraph(proto: OnnxProto, weights: Float32Array, [m, k, n]: readonly number[]): Uint8Array {
  return encode(proto, [node('MatMul', ['x', 'w'], 'y')], [constant('w', [k, m], FLOAT, weights)], [m, k, n])
}

/**
 * The same with 8-bit weights, the way ONNX Runtime's own dynamic quantisation writes it: X is quantised to u8 in every run,
 * multiplied in integers, and scaled back with a scale per column of W.
 */
export function quantisedGraph(proto: OnnxProto, weights: QuantisedWeights, [m, k, n]: readonly number[]): Uint8Array {
  return encode(
    proto,
    [
      { opType: 'DynamicQuantizeLinear', input: ['x'], output: ['xq', 'xScale', 'xZero'] },
      node('MatMulInteger', ['xq', 'w', 'xZero', 'wZero'], 'sum'),
      { ...node('Cast', ['sum'], 'real'), attribute: [{ name: 'to', type: 2, i: FLOAT }] },
      node('Mul', ['xScale', 'wScale'], 'scale'),
      node('Mul', ['real', 'scale'], 'y'),
    ],
    [
      constant('w', [k, m], INT8, weights.values),
      constant('wZero', [], INT8, new Int8Array(1)),
      constant('wScale', [m], FLOAT, weights.scales),
    ],
    [m, k, n],
  )
}

function encode({ onnx }: OnnxProto, nodes: object[], initializer: object[], [m, k, n]: readonly number[]): Uint8Array {
  return onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 13 }],
    graph: { name: 'product', node: nodes, initializer, input: [matrix('x', n, k)], output: [matrix('y', n, m)] },
  }).finish()
}

export function node(opType: string, input: string[], output: string) {
  return { opType, input, output: [output] }
}

export function constant(name: string, dims: number[], dataType: number, data: ArrayBufferView) {
  return { name, dims, dataType, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

function matrix(name: string, ...shape: number[]) {
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } } }
}
