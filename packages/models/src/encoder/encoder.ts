import { type BackendOption, describe, rangeError, resolveBackend, type Tensor, tensor, typeError } from '@nnz/core'
import type { Method, Pattern, PrunableNetwork, PruneProgress, PruneReport } from '@nnz/prune'
import type { LinearPart } from '../decoder/stacked-linear.ts'
import { files } from '../files.ts'
import type { Hooks } from '../hooks.ts'
import { prune } from '../pruning.ts'
import { checkSequences } from '../sequences.ts'
import type { TextEncoder } from '../tokenizer.ts'
import type { WeightSource } from '../weights.ts'
import { checkedConfig, type EncoderConfig, type EncoderDescription } from './config.ts'
import { Forward, type Group, groups } from './forward.ts'
import { type EncoderFiles, givenFiles, openEncoder } from './load.ts'
import { PrunableEncoder } from './prunable.ts'
import { tokensOf } from './rooms.ts'
import { saved } from './save.ts'

/** Options of {@link Encoder.read}. */
export interface ReadEncoderOptions {
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  readonly backend?: BackendOption | undefined
  /** Turns texts into tokens; without it, only tokens can be encoded. */
  readonly tokenizer?: TextEncoder | undefined
  /** The text of its `tokenizer.json`, to be saved with the weights. */
  readonly tokenizerJson?: string | undefined
}

/** Options of {@link Encoder.load}. */
export interface LoadEncoderOptions {
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  readonly backend?: BackendOption | undefined
  /** The most tokens that are computed at once. Default: 128, of which everything fits into caches. */
  readonly tokens?: number | undefined
  /** Longer texts are cut after so many tokens. Default: what the model's files say, else its positions. */
  readonly longest?: number | undefined
  /** Of a model without a `config.json`: what stands in it. */
  readonly config?: EncoderDescription | undefined
  /** Prune to this share of zeros; patterns of N:M have theirs. */
  readonly sparsity?: number | undefined
  /** Prune to this pattern. Default: unstructured. */
  readonly pattern?: Pattern | undefined
  /** How weights are chosen. Default: `sparsegpt` with calibration, else `magnitude`. */
  readonly method?: Method | undefined
  /** Texts like those that will be encoded, a few hundred: what the weights matter for is measured on them. */
  readonly calibration?: readonly string[] | undefined
  /** Told after each pruned layer. */
  readonly onProgress?: ((progress: PruneProgress) => void) | undefined
}

/** Bytes that an encoder holds. */
export interface EncoderMemory {
  /** Packed weights of the linear layers; they are packed when they are first needed. */
  readonly weights: number
  /** Embeddings of words and positions. */
  readonly embeddings: number
  /** Room for what is computed for some tokens at once. */
  readonly activations: number
}

/** Measured on MiniLM: what is computed for 128 tokens stays in the caches, and weights are not read too often for it. */
const TOKENS = 128

/**
 * A sentence encoder of the BERT kind: texts become vectors of length 1 whose dot products say how much alike they are.
 * Linear layers run on the kernels that suit their zeros; what stands between them is fused.
 */
export class Encoder {
  readonly config: EncoderConfig
  readonly tokenizer: TextEncoder | undefined
  /** What pruning did, where {@link Encoder.load} was asked for it. */
  report: PruneReport | undefined
  readonly #forward: Forward
  readonly #tokenizerJson: string | undefined

  private constructor(forward: Forward, { tokenizer, tokenizerJson }: ReadEncoderOptions) {
    this.config = forward.config
    this.tokenizer = tokenizer
    this.#tokenizerJson = tokenizerJson
    this.#forward = forward
  }

  /**
   * Loads a model, and prunes it if asked to.
   *
   * @param from a folder as models are published (`model.safetensors`, `tokenizer.json`, `config.json`), a file of
   *   weights in such a folder, a file that {@link save} wrote, or the contents of such files
   * @throws RangeError where files are missing, damaged, or of another kind of model; TypeError where a path is given and
   *   the host has no files
   */
  static async load(from: string | EncoderFiles, options: LoadEncoderOptions = {}): Promise<Encoder> {
    const given = await givenFiles(from, options.config)
    const { source, config, tokenizer, tokenizerJson } = await openEncoder(given, options.longest)
    const { backend, tokens } = options
    const encoder = await Encoder.read(source, config, tokens, { backend, tokenizer, tokenizerJson })
    try {
      const { sparsity, pattern, method, calibration, onProgress } = options
      encoder.report = await prune(encoder, { sparsity, pattern, method, calibration, onProgress }, 'Encoder.load')
      return encoder
    } catch (error) {
      encoder.dispose()
      throw error
    }
  }

  /**
   * Reads the tensors by the names of a BERT checkpoint.
   *
   * @param tokens the most that are computed at once
   * @throws RangeError where a tensor has another shape than the sizes say, or `tokens` is not a whole number above 0
   */
  static async read(
    source: WeightSource,
    config: EncoderConfig,
    tokens: number = TOKENS,
    options: ReadEncoderOptions = {},
  ): Promise<Encoder> {
    const checked = checkedConfig(config, 'Encoder.read')
    if (!(Number.isInteger(tokens) && tokens > 0))
      throw rangeError('NNZ_VALUE', `encoder: expected tokens to be a whole number above 0, got ${describe(tokens)}`)
    return new Encoder(await Forward.read(source, checked, resolveBackend(options.backend), tokens), options)
  }

  /** Every linear layer, in the order in which they compute. */
  get linearLayers(): readonly LinearPart[] {
    return this.#forward.stages.flatMap(({ product }) => product.stack.parts)
  }

  /**
   * One vector of length 1 for each text, [texts, width].
   *
   * @throws TypeError where the encoder has no tokeniser
   */
  encode(texts: readonly string[]): Tensor {
    return this.encodeTokens(this.#tokens(texts, 'encode'))
  }

  /**
   * One vector of length 1 for each sequence of tokens: the mean of its hidden states, normalised; zeros for one without
   * tokens. [sequences, width].
   *
   * @throws RangeError where a sequence is longer than there are positions, or a token is not in the vocabulary
   */
  encodeTokens(sequences: readonly (readonly number[])[], hooks: Hooks = {}): Tensor {
    const { width } = this.config
    const result = new Float32Array(sequences.length * width)
    for (const group of this.#groups(sequences, hooks)) {
      const { operations, rooms, offsets } = this.#run(group, hooks)
      const end = group.first + group.sequences.length
      operations.pool({ x: rooms.x, offsets, out: result.subarray(group.first * width, end * width) })
    }
    return tensor(result, [sequences.length, width])
  }

  /**
   * The hidden states of all tokens of some sequences, [tokens, width], the sequences laid end to end.
   *
   * @throws RangeError as {@link encodeTokens}
   */
  run(sequences: readonly (readonly number[])[], hooks: Hooks = {}): Tensor {
    const { width } = this.config
    const states = this.#groups(sequences, hooks).map((group) => {
      const { rooms, tokens } = this.#run(group, hooks)
      return tokensOf(rooms.x, width, tokens)
    })
    const result = new Float32Array(states.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const part of states) {
      result.set(part, at)
      at += part.length
    }
    return tensor(result, [result.length / width, width])
  }

  #groups(sequences: readonly (readonly number[])[], hooks: Hooks): Group[] {
    checkSequences(sequences, { longest: this.config.positions, vocabulary: this.config.vocabulary })
    // Hooks see all sequences together.
    const together = hooks.linear || hooks.attention
    return groups(sequences, together ? Number.POSITIVE_INFINITY : this.#forward.tokens)
  }

  #run(group: Group, hooks: Hooks) {
    const pass = this.#forward.embed(group, hooks)
    for (const stage of this.#forward.stages) {
      if (hooks.linear) {
        const input = stage.input(pass.rooms)
        const features = input.tensor.shape[0]
        const x = tensor(tokensOf(input, features, group.tokens), [group.tokens, features])
        for (const { name } of stage.product.stack.parts) hooks.linear(name, x)
      }
      stage.run(pass)
    }
    return pass
  }

  /**
   * The linear layers, to be pruned on what they see while some texts are computed.
   *
   * @param calibration texts, or their tokens
   */
  prunable(calibration: readonly string[] | readonly (readonly number[])[]): PrunableNetwork {
    const sequences = calibration.some((each) => typeof each === 'string')
      ? this.#tokens(calibration as readonly string[], 'prunable')
      : (calibration as readonly (readonly number[])[])
    return new PrunableEncoder(this.#forward, this.#groups(sequences, {}))
  }

  /**
   * All weights as they are now, as one safetensors file that {@link load} takes: sparse layers as indices and values, the
   * sizes and the tokeniser beside them.
   *
   * @param path where to write it; without one, its bytes are only returned
   */
  async save(path?: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = saved(this.#forward, this.#tokenizerJson, this.tokenizer?.longest)
    if (path !== undefined) await files().writeFile(path, bytes)
    return bytes
  }

  /** What is held by now. */
  get memory(): EncoderMemory {
    const { stages, words, places, roomBytes } = this.#forward
    return {
      weights: stages.reduce((sum, { product }) => sum + product.packedBytes, 0),
      embeddings: 4 * (words.data.length + places.data.length),
      activations: roomBytes,
    }
  }

  /** The kernel of each product, by the name of its first layer; undefined before it ran. */
  get kernels(): ReadonlyMap<string, string | undefined> {
    return new Map(this.#forward.stages.map(({ product }) => [product.stack.parts[0].name, product.kernel]))
  }

  #tokens(texts: readonly string[], name: string): number[][] {
    const { tokenizer } = this
    if (!tokenizer) throw typeError('NNZ_TYPE', `encoder.${name}: it has no tokeniser, so give tokens instead of texts`)
    if (!Array.isArray(texts)) throw typeError('NNZ_TYPE', `encoder.${name}: expected texts, got ${describe(texts)}`)
    return texts.map((text) => tokenizer.encode(text))
  }

  /** Releases weights and room; also done when the encoder is forgotten. */
  dispose(): void {
    this.#forward.dispose()
  }
}
