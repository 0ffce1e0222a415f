import { attention } from '@nnz/attention'
import { type Tensor, tensor, zeros } from '@nnz/core'
import { addTo, gelu, layerNorm } from '../elementwise.ts'
import type { Hooks } from '../hooks.ts'
import { LinearLayer } from '../linear-layer.ts'
import { pack, splitHeads } from '../sequences.ts'
import { readShaped, type WeightSource } from '../weights.ts'

/** The sizes of a BERT encoder (Devlin et al., arXiv 1810.04805), by the names of its configuration file. */
export interface EncoderConfig {
  readonly vocabulary: number
  readonly positions: number
  readonly layers: number
  readonly heads: number
  readonly width: number
  readonly innerWidth: number
  readonly epsilon: number
}

interface Norm {
  readonly weight: Float32Array
  readonly bias: Float32Array
}

interface Layer {
  readonly query: LinearLayer
  readonly key: LinearLayer
  readonly value: LinearLayer
  readonly attentionOutput: LinearLayer
  readonly attentionNorm: Norm
  readonly up: LinearLayer
  readonly down: LinearLayer
  readonly norm: Norm
}

/** A BERT encoder: every linear layer on our products, attention by @nnz/attention. */
export class Encoder {
  readonly config: EncoderConfig
  readonly #words: Float32Array
  /** Position embeddings, each with the embedding of token type 0 added. */
  readonly #positions: Float32Array
  readonly #norm: Norm
  readonly #layers: readonly Layer[]

  private constructor(
    config: EncoderConfig,
    words: Float32Array,
    positions: Float32Array,
    norm: Norm,
    layers: readonly Layer[],
  ) {
    this.config = config
    this.#words = words
    this.#positions = positions
    this.#norm = norm
    this.#layers = layers
  }

  /** Reads the tensors by the names of a BERT checkpoint. `tokens` is the most that {@link run} will be given at once. */
  static async read(source: WeightSource, config: EncoderConfig, tokens: number): Promise<Encoder> {
    const { width, innerWidth } = config
    const norm = async (name: string): Promise<Norm> => ({
      weight: await readShaped(source, `${name}.weight`, [width]),
      bias: await readShaped(source, `${name}.bias`, [width]),
    })
    const linear = (name: string, outputs: number, inputs: number) =>
      LinearLayer.read(source, name, [outputs, inputs], { tokens, bias: true })
    const places = await readShaped(source, 'embeddings.position_embeddings.weight', [config.positions, width])
    const positions = places.slice()
    const types = await readShaped(source, 'embeddings.token_type_embeddings.weight', [2, width])
    for (let start = 0; start < positions.length; start += width)
      addTo(positions.subarray(start, start + width), types.subarray(0, width))
    const layers: Layer[] = []
    for (let index = 0; index < config.layers; index++) {
      const at = `encoder.layer.${index}`
      layers.push({
        query: await linear(`${at}.attention.self.query`, width, width),
        key: await linear(`${at}.attention.self.key`, width, width),
        value: await linear(`${at}.attention.self.value`, width, width),
        attentionOutput: await linear(`${at}.attention.output.dense`, width, width),
        attentionNorm: await norm(`${at}.attention.output.LayerNorm`),
        up: await linear(`${at}.intermediate.dense`, innerWidth, width),
        down: await linear(`${at}.output.dense`, width, innerWidth),
        norm: await norm(`${at}.output.LayerNorm`),
      })
    }
    const words = await readShaped(source, 'embeddings.word_embeddings.weight', [config.vocabulary, width])
    return new Encoder(config, words, positions, await norm('embeddings.LayerNorm'), layers)
  }

  /** Every linear layer, in the order in which they compute. */
  get linearLayers(): readonly LinearLayer[] {
    return this.#layers.flatMap(({ query, key, value, attentionOutput, up, down }) => [
      query,
      key,
      value,
      attentionOutput,
      up,
      down,
    ])
  }

  /**
   * The hidden states of all tokens of some sequences, [tokens, width], the sequences laid end to end.
   *
   * @throws RangeError where a sequence is longer than there are positions, or a token is not in the vocabulary
   */
  run(sequences: readonly (readonly number[])[], hooks: Hooks = {}): Tensor {
    const { width, heads, epsilon } = this.config
    const packed = pack(sequences, { longest: this.config.positions, vocabulary: this.config.vocabulary })
    let x = zeros([packed.tokens.length, width])
    for (const [row, token] of packed.tokens.entries()) {
      const place = x.data.subarray(row * width, (row + 1) * width)
      place.set(this.#words.subarray(token * width, (token + 1) * width))
      const position = packed.positions[row]
      addTo(place, this.#positions.subarray(position * width, (position + 1) * width))
    }
    layerNorm(x.data, this.#norm.weight, this.#norm.bias, epsilon)
    const apply = (layer: LinearLayer, input: Tensor) => {
      hooks.linear?.(layer.name, input)
      return layer.run(input)
    }
    const { sequenceOffsets } = packed
    for (const [index, layer] of this.#layers.entries()) {
      const [q, k, v] = [layer.query, layer.key, layer.value].map((each) => splitHeads(apply(each, x), heads))
      const mask = hooks.attention?.(index, { q, k, v, sequenceOffsets, causal: false })
      const mixed = zeros(x.shape)
      attention(q, k, v, { mask, sequenceOffsets, out: splitHeads(mixed, heads) })
      x = added(apply(layer.attentionOutput, mixed), x, layer.attentionNorm, epsilon)
      const inner = apply(layer.up, x)
      gelu(inner.data)
      x = added(apply(layer.down, inner), x, layer.norm, epsilon)
    }
    return x
  }

  /** One vector of length 1 for each sequence: the mean of its hidden states, normalised. [sequences, width]. */
  embed(sequences: readonly (readonly number[])[], hooks: Hooks = {}): Tensor {
    const { width } = this.config
    const states = this.run(sequences, hooks).data
    const result = new Float32Array(sequences.length * width)
    let row = 0
    for (const [index, sequence] of sequences.entries()) {
      const mean = result.subarray(index * width, (index + 1) * width)
      for (const end = row + sequence.length; row < end; row++)
        addTo(mean, states.subarray(row * width, (row + 1) * width))
      const length = Math.hypot(...mean) || 1
      for (let i = 0; i < width; i++) mean[i] /= length
    }
    return tensor(result, [sequences.length, width])
  }

  dispose(): void {
    for (const layer of this.linearLayers) layer.dispose()
  }
}

/** The normalised sum of a layer's output, which is written to, and its input. */
function added(output: Tensor, input: Tensor, { weight, bias }: Norm, epsilon: number): Tensor {
  addTo(output.data, input.data)
  layerNorm(output.data, weight, bias, epsilon)
  return output
}
