import type { AttentionTask } from '../attention/task.ts'
import { constant, FLOAT, node, type OnnxProto } from './onnx-graphs.ts'

/** What an attention graph is made for. */
export interface AttentionGraph {
  readonly task: AttentionTask
  /** Whether the pairs that are left out come as an input `bias` [tokens, keys] of 0 and -Infinity. */
  readonly biased: boolean
}

/**
 * Attention as exported models spell it out: softmax(q kᵀ · scale + bias) v. Query heads that share a key head lie side by
 * side: q [keyHeads, group, tokens, headDim], k and v [keyHeads, 1, keys, headDim].
 */
export function spelledOutGraph(proto: OnnxProto, { task, biased }: AttentionGraph): Uint8Array {
  const { heads, keyHeads, tokens, keys, headDim } = task
  const group = heads / keyHeads
  const scaled = biased ? ['scaled'] : ['scores']
  const transposed = { ...node('Transpose', ['k'], 'kT'), attribute: [{ name: 'perm', type: 7, ints: [0, 1, 3, 2] }] }
  return encode(
    proto,
    [
      transposed,
      node('MatMul', ['q', 'kT'], 'products'),
      node('Mul', ['products', 'scale'], scaled[0]),
      ...(biased ? [node('Add', ['scaled', 'bias'], 'scores')] : []),
      { ...node('Softmax', ['scores'], 'weights'), attribute: [{ name: 'axis', type: 2, i: -1 }] },
      node('MatMul', ['weights', 'v'], 'y'),
    ],
    [constant('scale', [], FLOAT, Float32Array.of(1 / Math.sqrt(headDim)))],
    {
      q: [keyHeads, group, tokens, headDim],
      k: [keyHeads, 1, keys, headDim],
      v: [keyHeads, 1, keys, headDim],
      ...(biased ? { bias: [tokens, keys] } : {}),
    },
    [keyHeads, group, tokens, headDim],
  )
}

/** ONNX Runtime's fused operator MultiHeadAttention: q, k and v token-major, [1, tokens, heads * headDim]. */
export function fusedGraph(proto: OnnxProto, { task, biased }: AttentionGraph): Uint8Array {
  const { heads, tokens, keys, headDim, causal } = task
  const width = heads * headDim
  const fused = {
    ...node('MultiHeadAttention', ['q', 'k', 'v', ...(biased ? ['', '', 'bias'] : [])], 'y'),
    domain: 'com.microsoft',
    attribute: [
      { name: 'num_heads', type: 2, i: heads },
      { name: 'unidirectional', type: 2, i: causal && !biased ? 1 : 0 },
    ],
  }
  return encode(
    proto,
    [fused],
    [],
    {
      q: [1, tokens, width],
      k: [1, keys, width],
      v: [1, keys, width],
      ...(biased ? { bias: [1, 1, tokens, keys] } : {}),
    },
    [1, tokens, width],
  )
}

function encode(
  { onnx }: OnnxProto,
  nodes: object[],
  initializer: object[],
  inputs: Readonly<Record<string, readonly number[]>>,
  output: readonly number[],
): Uint8Array {
  const value = (name: string, shape: readonly number[]) => ({
    name,
    type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  })
  return onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [
      { domain: '', version: 13 },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: 'attention',
      node: nodes,
      initializer,
      input: Object.entries(inputs).map(([name, shape]) => value(name, shape)),
      output: [value('y', output)],
    },
  }).finish()
}
