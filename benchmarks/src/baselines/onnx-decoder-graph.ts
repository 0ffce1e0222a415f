import type { DecoderConfig } from '@nnz/models'
import { FLOAT, type OnnxProto } from './onnx-graphs.ts'
import {
  float,
  INT32,
  INT64,
  int,
  NetworkGraph,
  type NetworkTensors,
  type OnnxModel,
  type ProductType,
} from './onnx-network.ts'

export interface DecoderGraph {
  readonly config: DecoderConfig
  /** By the names of a GGUF file. */
  readonly tensors: NetworkTensors
  readonly products: ProductType
  /** The most tokens of a text. */
  readonly positions: number
}

/** The names of a layer's cache. */
export const cacheNames = (layer: number) => ['key', 'value'].map((part) => `${layer}.${part}`)

/**
 * A Llama decoder in the form in which transformers.js and ONNX Runtime's own generator run it: with GroupQueryAttention. Inputs
 * are `input_ids` [1, sequence], `lengths` (tokens before the last, [1]), `total` (tokens in all) and each layer's
 * `past.<layer>.key` and `.value` [1, key heads, past, head width]. Outputs are the `logits` of the last token, [1, vocabulary],
 * and each `present.<layer>.key` and `.value`.
 */
export function decoderGraph(proto: OnnxProto, { config, tensors, products, positions }: DecoderGraph): OnnxModel {
  const { heads, keyHeads, width, layers, vocabulary, epsilon, ropeBase } = config
  const headDim = width / heads
  const graph = new NetworkGraph(tensors, products)
  const ids = graph.input('input_ids', INT64, [1, 'sequence'])
  const lengths = graph.input('lengths', INT32, [1])
  const total = graph.input('total', INT32, [])
  const turns = [Math.cos, Math.sin].map((part) =>
    graph.table([positions, headDim / 2], (position, i) => part(position * ropeBase ** ((-2 * i) / headDim))),
  )
  const norm = (x: string, name: string) =>
    graph.node(
      'SimplifiedLayerNormalization',
      [x, graph.parameter(`${name}.weight`)],
      int('axis', -1),
      float('epsilon', epsilon),
    )
  const cached = [1, keyHeads, 'past', headDim]
  const grown = [1, keyHeads, 'all', headDim]
  let x = graph.gather('token_embd.weight', ids)
  for (let layer = 0; layer < layers; layer++) {
    const at = `blk.${layer}`
    const input = norm(x, `${at}.attn_norm`)
    const past = cacheNames(layer).map((name) => graph.input(`past.${name}`, FLOAT, cached))
    const qkv = ['q', 'k', 'v'].map((name) => graph.linear(`${at}.attn_${name}`, input))
    const [mixed, ...present] = graph.nodes('GroupQueryAttention', [...qkv, ...past, lengths, total, ...turns], 3, [
      int('num_heads', heads),
      int('kv_num_heads', keyHeads),
      int('do_rotary', 1),
      int('rotary_interleaved', 1),
    ])
    for (const [part, name] of cacheNames(layer).entries()) graph.output(`present.${name}`, present[part], grown)
    x = graph.node('Add', [x, graph.linear(`${at}.attn_output`, mixed)])
    const inner = norm(x, `${at}.ffn_norm`)
    const gate = graph.linear(`${at}.ffn_gate`, inner)
    const gated = graph.node('Mul', [
      graph.node('Mul', [gate, graph.node('Sigmoid', [gate])]),
      graph.linear(`${at}.ffn_up`, inner),
    ])
    x = graph.node('Add', [x, graph.linear(`${at}.ffn_down`, gated)])
  }
  const last = graph.node('Gather', [norm(x, 'output_norm'), graph.index(-1)], int('axis', 1))
  graph.output('logits', graph.tiedHead('token_embd.weight', last), [1, vocabulary])
  return { bytes: graph.encode(proto), weightBytes: graph.weightBytes }
}
