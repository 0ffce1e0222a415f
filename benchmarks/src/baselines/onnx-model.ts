import type { onnx } from 'onnx-proto'
import { bytesOf } from './process-contender.ts'
import { transpose } from './transpose.ts'

/** ONNX element types (onnx.proto, TensorProto.DataType). */
const FLOAT = 1
const INT8 = 3
/** AttributeProto.AttributeType. */
const INT = 2

type Onnx = typeof onnx

/** y [n, m] = x [n, k] times weights: the weights are a constant second operand, the form that runtimes pack in advance. */
export function matMulModel(onnx: Onnx, weights: Float32Array, m: number, k: number, n: number): Uint8Array {
  return encode(onnx, [{ opType: 'MatMul', input: ['x', 'w'], output: ['y'] }], m, k, n, [
    { name: 'w', dataType: FLOAT, dims: [k, m], rawData: bytesOf(transpose(weights, m, k)) },
  ])
}

/**
 * The same with 8-bit weights (one scale, symmetric) and activations that are quantised in each run: the graph that
 * ONNX Runtime's dynamic quantisation makes.
 */
export function quantisedModel(onnx: Onnx, weights: Float32Array, m: number, k: number, n: number): Uint8Array {
  const scale = scaleOf(weights)
  const quantised = Int8Array.from(transpose(weights, m, k), (value) => Math.round(value / scale))
  const nodes = [
    { opType: 'DynamicQuantizeLinear', input: ['x'], output: ['xq', 'xs', 'xz'] },
    { opType: 'MatMulInteger', input: ['xq', 'w', 'xz', 'wz'], output: ['sums'] },
    { opType: 'Cast', input: ['sums'], output: ['floats'], attribute: [{ name: 'to', type: INT, i: FLOAT }] },
    { opType: 'Mul', input: ['xs', 'ws'], output: ['scale'] },
    { opType: 'Mul', input: ['floats', 'scale'], output: ['y'] },
  ]
  return encode(onnx, nodes, m, k, n, [
    { name: 'w', dataType: INT8, dims: [k, m], rawData: bytesOf(quantised) },
    { name: 'wz', dataType: INT8, dims: [], rawData: new Uint8Array(1) },
    { name: 'ws', dataType: FLOAT, dims: [], rawData: bytesOf(Float32Array.of(scale)) },
  ])
}

/** Largest error of the quantised product: half a step in each operand (Higham 2002, chapter 3, for sums of errors). */
export function quantisationBound(weights: Float32Array, x: Float32Array, k: number, n: number): number {
  const weightStep = scaleOf(weights)
  const [low, high] = x.reduce(([least, most], v) => [Math.min(least, v), Math.max(most, v)], [0, 0])
  const xStep = (high - low) / 255
  let rowSum = 0
  for (let start = 0; start < weights.length; start += k) {
    let sum = 0
    for (let i = start; i < start + k; i++) sum += Math.abs(weights[i])
    rowSum = Math.max(rowSum, sum)
  }
  const columnSums = new Float64Array(n)
  for (let i = 0; i < x.length; i++) columnSums[i % n] += Math.abs(x[i])
  const columnSum = columnSums.reduce((most, sum) => Math.max(most, sum), 0)
  // The zero point is rounded too: x may be a whole step off.
  return rowSum * xStep + (columnSum * weightStep) / 2 + (k * weightStep * xStep) / 2
}

function scaleOf(weights: Float32Array): number {
  return weights.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127 || 1
}

function encode(
  onnx: Onnx,
  node: onnx.INodeProto[],
  m: number,
  k: number,
  n: number,
  initializer: onnx.ITensorProto[],
): Uint8Array {
  const value = (name: string, shape: number[]) => ({
    name,
    type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  })
  return onnx.ModelProto.encode({
    irVersion: 7,
    opsetImport: [{ domain: '', version: 13 }],
    graph: { name: 'product', node, initializer, input: [value('x', [n, k])], output: [value('y', [n, m])] },
  }).finish()
}
