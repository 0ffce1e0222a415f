import { attention } from '@nnz/attention'
import { type Tensor, tensor, zeros } from '@nnz/core'
import { addTo, rmsNorm, rotate, swiglu } from '../elementwise.ts'
import type { Hooks } from '../hooks.ts'
import { LinearLayer } from '../linear-layer.ts'
import { pack, splitHeads } from '../sequences.ts'
import { readShaped, type WeightSource } from '../weights.ts'

/** The sizes of a Llama decoder (Touvron et al., arXiv 2302.13971) with tied embeddings. */
export interface DecoderConfig {
  readonly vocabulary: number
  readonly positions: number
  readonly layers: number
  readonly heads: number
  readonly keyHeads: number
  readonly width: number
  readonly innerWidth: number
  readonly epsilon: number
  readonly ropeBase: number
}

interface Layer {
  readonly attentionNorm: Float32Array
  readonly query: LinearLayer
  readonly key: LinearLayer
  readonly value: LinearLayer
  readonly attentionOutput: LinearLayer
  readonly innerNorm: Float32Array
  readonly gate: LinearLayer
  readonly up: LinearLayer
  readonly down: LinearLayer
}

/** Tokens whose logits are held at once: a row of them is as long as the vocabulary. */
const HEAD_TOKENS = 64

/** A Llama decoder: every linear layer on our products, grouped-query attention by @nnz/attention. */
export class Decoder {
  readonly config: DecoderConfig
  readonly #layers: readonly Layer[]
  readonly #norm: Float32Array
  /** Also the embeddings: they are tied. */
  readonly #head: LinearLayer

  private constructor(config: DecoderConfig, layers: readonly Layer[], norm: Float32Array, head: LinearLayer) {
    this.config = config
    this.#layers = layers
    this.#norm = norm
    this.#head = head
  }

  /** Reads the tensors by the names of a GGUF file. `tokens` is the most that {@link run} will be given at once. */
  static async read(source: WeightSource, config: DecoderConfig, tokens: number): Promise<Decoder> {
    const { width, innerWidth } = config
    const keyWidth = (width / config.heads) * config.keyHeads
    const linear = (name: string, outputs: number, inputs: number, most = tokens) =>
      LinearLayer.read(source, name, [outputs, inputs], { tokens: most, bias: false })
    const layers: Layer[] = []
    for (let index = 0; index < config.layers; index++) {
      const at = `blk.${index}`
      layers.push({
        attentionNorm: await readShaped(source, `${at}.attn_norm.weight`, [width]),
        query: await linear(`${at}.attn_q`, width, width),
        key: await linear(`${at}.attn_k`, keyWidth, width),
        value: await linear(`${at}.attn_v`, keyWidth, width),
        attentionOutput: await linear(`${at}.attn_output`, width, width),
        innerNorm: await readShaped(source, `${at}.ffn_norm.weight`, [width]),
        gate: await linear(`${at}.ffn_gate`, innerWidth, width),
        up: await linear(`${at}.ffn_up`, innerWidth, width),
        down: await linear(`${at}.ffn_down`, width, innerWidth),
      })
    }
    const norm = await readShaped(source, 'output_norm.weight', [width])
    return new Decoder(config, layers, norm, await linear('token_embd', config.vocabulary, width, HEAD_TOKENS))
  }

  /** Every linear layer of the blocks, in the order in which they compute. */
  get linearLayers(): readonly LinearLayer[] {
    return this.#layers.flatMap(({ query, key, value, attentionOutput, gate, up, down }) => [
      query,
      key,
      value,
      attentionOutput,
      gate,
      up,
      down,
    ])
  }

  /**
   * The normalised hidden states of all tokens of some sequences, [tokens, width], the sequences laid end to end.
   *
   * @throws RangeError where a sequence is longer than there are positions, or a token is not in the vocabulary
   */
  run(sequences: readonly (readonly number[])[], hooks: Hooks = {}): Tensor {
    const { width, heads, keyHeads, epsilon, ropeBase } = this.config
    const packed = pack(sequences, { longest: this.config.positions, vocabulary: this.config.vocabulary })
    const x = zeros([packed.tokens.length, width])
    for (const [row, token] of packed.tokens.entries())
      x.data.set(this.#head.weights.subarray(token * width, (token + 1) * width), row * width)
    const apply = (layer: LinearLayer, input: Tensor) => {
      hooks.linear?.(layer.name, input)
      return layer.run(input)
    }
    const { sequenceOffsets, positions } = packed
    for (const [index, layer] of this.#layers.entries()) {
      const normalised = tensor(rmsNorm(x.data, layer.attentionNorm, epsilon), x.shape)
      const [query, key, value] = [layer.query, layer.key, layer.value].map((each) => apply(each, normalised))
      for (const turned of [query, key]) rotate(turned.data, positions, width / heads, ropeBase)
      const [q, k, v] = [splitHeads(query, heads), splitHeads(key, keyHeads), splitHeads(value, keyHeads)]
      const mask = hooks.attention?.(index, { q, k, v, sequenceOffsets, causal: true })
      const mixed = zeros(x.shape)
      attention(q, k, v, { mask, sequenceOffsets, causal: true, out: splitHeads(mixed, heads) })
      addTo(x.data, apply(layer.attentionOutput, mixed).data)
      const inner = tensor(rmsNorm(x.data, layer.innerNorm, epsilon), x.shape)
      const gate = apply(layer.gate, inner)
      swiglu(gate.data, apply(layer.up, inner).data)
      addTo(x.data, apply(layer.down, gate).data)
    }
    return tensor(rmsNorm(x.data, this.#norm, epsilon), x.shape)
  }

  /** Sum of -log p of every token of a sequence but the first, given those before it, in nats. */
  surprise(sequence: readonly number[], hooks: Hooks = {}): number {
    const { width, vocabulary } = this.config
    const states = this.run([sequence], hooks).data
    let sum = 0
    for (let start = 0; start < sequence.length - 1; start += HEAD_TOKENS) {
      const count = Math.min(HEAD_TOKENS, sequence.length - 1 - start)
      const logits = this.#head.run(tensor(states.subarray(start * width, (start + count) * width), [count, width]))
      for (let i = 0; i < count; i++)
        sum -= logProbability(logits.data.subarray(i * vocabulary, (i + 1) * vocabulary), sequence[start + i + 1])
    }
    return sum
  }

  dispose(): void {
    for (const layer of [...this.linearLayers, this.#head]) layer.dispose()
  }
}

function logProbability(logits: Float32Array, token: number): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i])
  let sum = 0
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - largest)
  return logits[token] - largest - Math.log(sum)
}
