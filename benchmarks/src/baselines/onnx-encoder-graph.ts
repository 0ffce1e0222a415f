import type { EncoderConfig } from '@nnz/models'
import { FLOAT, type OnnxProto } from './onnx-graphs.ts'
import {
  float,
  INT64,
  int,
  ints,
  NetworkGraph,
  type NetworkTensors,
  type OnnxModel,
  type ProductType,
} from './onnx-network.ts'

export interface EncoderGraph {
  readonly config: EncoderConfig
  /** By the names of a BERT checkpoint. */
  readonly tensors: NetworkTensors
  readonly products: ProductType
}

/**
 * A BERT encoder in plain operators, as exporters write it: ONNX Runtime fuses attention, normalisation and GELU itself, and
 * its own operators written out were not faster. Inputs are `input_ids`, `attention_mask` and `token_type_ids`, whole numbers [batch, sequence]. Outputs are
 * `last_hidden_state` [batch, sequence, width], and `sentence_embedding` [batch, width]: the mean over the tokens that the
 * mask keeps, of length 1.
 */
export function encoderGraph(proto: OnnxProto, { config, tensors, products }: EncoderGraph): OnnxModel {
  const graph = new NetworkGraph(tensors, products)
  const [ids, mask, types] = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
    graph.input(name, INT64, ['batch', 'sequence']),
  )
  let x = embeddings(graph, config, ids, types)
  const layer = layersOf(graph, config, mask)
  for (let index = 0; index < config.layers; index++) x = layer(x, `encoder.layer.${index}`)
  graph.output('last_hidden_state', x, ['batch', 'sequence', config.width])
  graph.output('sentence_embedding', pooled(graph, x, mask), ['batch', config.width])
  return { bytes: graph.encode(proto), weightBytes: graph.weightBytes }
}

function embeddings(graph: NetworkGraph, config: EncoderConfig, ids: string, types: string): string {
  const length = graph.node('Slice', [graph.node('Shape', [ids]), graph.whole(1), graph.whole(2)])
  const words = graph.gather('embeddings.word_embeddings.weight', ids)
  const kinds = graph.gather('embeddings.token_type_embeddings.weight', types)
  const table = graph.parameter('embeddings.position_embeddings.weight')
  const places = graph.node('Slice', [table, graph.whole(0), length, graph.whole(0)])
  const sum = graph.node('Add', [graph.node('Add', [words, kinds]), places])
  return layerNorm(graph, sum, 'embeddings.LayerNorm', config)
}

function layerNorm(graph: NetworkGraph, x: string, name: string, { epsilon }: EncoderConfig): string {
  const scale = [graph.parameter(`${name}.weight`), graph.parameter(`${name}.bias`)]
  return graph.node('LayerNormalization', [x, ...scale], int('axis', -1), float('epsilon', epsilon))
}

function layersOf(graph: NetworkGraph, config: EncoderConfig, mask: string) {
  const { heads, width } = config
  const headDim = width / heads
  const kept = graph.node('Cast', [graph.node('Unsqueeze', [mask, graph.whole(1, 2)])], int('to', FLOAT))
  const bias = graph.node('Mul', [graph.node('Sub', [graph.scalar(1), kept]), graph.scalar(-10_000)])
  const split = (projected: string, ...perm: number[]) =>
    graph.node('Transpose', [graph.node('Reshape', [projected, graph.whole(0, 0, heads, headDim)])], ints('perm', perm))
  return (x: string, at: string): string => {
    const q = split(graph.linear(`${at}.attention.self.query`, x), 0, 2, 1, 3)
    const k = split(graph.linear(`${at}.attention.self.key`, x), 0, 2, 3, 1)
    const v = split(graph.linear(`${at}.attention.self.value`, x), 0, 2, 1, 3)
    const scores = graph.node('Div', [graph.node('MatMul', [q, k]), graph.scalar(Math.sqrt(headDim))])
    const weights = graph.node('Softmax', [graph.node('Add', [scores, bias])], int('axis', -1))
    const mixed = graph.node('Transpose', [graph.node('MatMul', [weights, v])], ints('perm', [0, 2, 1, 3]))
    const joined = graph.node('Reshape', [mixed, graph.whole(0, 0, width)])
    const attended = graph.linear(`${at}.attention.output.dense`, joined)
    const middle = layerNorm(graph, graph.node('Add', [attended, x]), `${at}.attention.output.LayerNorm`, config)
    const inner = gelu(graph, graph.linear(`${at}.intermediate.dense`, middle))
    const down = graph.linear(`${at}.output.dense`, inner)
    return layerNorm(graph, graph.node('Add', [down, middle]), `${at}.output.LayerNorm`, config)
  }
}

/** x · Φ(x), spelled out as exporters do. */
function gelu(graph: NetworkGraph, x: string): string {
  const erf = graph.node('Erf', [graph.node('Div', [x, graph.scalar(Math.SQRT2)])])
  const doubled = graph.node('Mul', [x, graph.node('Add', [erf, graph.scalar(1)])])
  return graph.node('Mul', [doubled, graph.scalar(0.5)])
}

function pooled(graph: NetworkGraph, x: string, mask: string): string {
  const kept = graph.node('Cast', [graph.node('Unsqueeze', [mask, graph.whole(2)])], int('to', FLOAT))
  const sum = graph.node('ReduceSum', [graph.node('Mul', [x, kept]), graph.whole(1)], int('keepdims', 0))
  const count = graph.node('ReduceSum', [kept, graph.whole(1)], int('keepdims', 0))
  const mean = graph.node('Div', [sum, count])
  return graph.node('Div', [mean, graph.node('ReduceL2', [mean], ints('axes', [1]), int('keepdims', 1))])
}
