import { attention } from '@nnz/attention'
import { rangeError, type Tensor, tensor } from '@nnz/core'
import type { PrunableNetwork, PruneOptions, PruneReport } from '@nnz/prune'
import { files } from '../files.ts'
import type { Hooks } from '../hooks.ts'
import { prune } from '../pruning.ts'
import { pack } from '../sequences.ts'
import type { TextTokenizer } from '../tokenizer.ts'
import { readShaped, type WeightSource } from '../weights.ts'
import { Block } from './block.ts'
import type { DecoderConfig } from './config.ts'
import { runBlocks } from './forward.ts'
import { TiedHead } from './head.ts'
import { type DecoderFile, openDecoder } from './load.ts'
import { PrunableDecoder } from './prunable.ts'
import { rotations } from './rope.ts'
import { type SamplingOptions, sampler } from './sampling.ts'
import { savedDecoder } from './saved.ts'
import { DecoderSession } from './session.ts'
import type { LinearPart } from './stacked-linear.ts'

/** Options of {@link Decoder.generate}. */
export interface GenerateOptions extends SamplingOptions {
  /** The most tokens that are generated. Default: 64. */
  readonly tokens?: number | undefined
}

/**
 * Options of {@link Decoder.load}: without `sparsity`, `pattern` and `method` the weights stay as they are. The method is
 * `sparsegpt` where there is calibration, else `magnitude`.
 */
export interface LoadDecoderOptions extends Partial<PruneOptions> {
  /** Texts that pruning measures inputs on, several pages of them: all methods but `magnitude` need them. */
  readonly calibration?: readonly string[] | undefined
  /** The most tokens that are computed at once. Default: 512. */
  readonly tokens?: number | undefined
}

/** Bytes that a decoder holds; packings are made when they are first needed. */
export interface DecoderMemory {
  /** Packed weights of the linear layers for steps of one token: what decoding reads. */
  readonly decode: number
  /** Those for many tokens at once. */
  readonly prefill: number
  /** Embeddings, which are also the head. */
  readonly head: number
}

/** Tokens of the windows that texts for calibration are cut into. */
const WINDOW = 256

/** A Llama decoder: its linear layers by the kernels that suit their zeros, grouped-query attention by @nnz/attention. */
export class Decoder {
  readonly config: DecoderConfig
  readonly tokenizer: TextTokenizer | undefined
  readonly blocks: readonly Block[]
  readonly norm: Float32Array
  readonly head: TiedHead
  /** What pruning did, where {@link Decoder.load} was asked for it. */
  report: PruneReport | undefined
  readonly #tokens: number

  private constructor(parts: {
    config: DecoderConfig
    tokenizer: TextTokenizer | undefined
    blocks: readonly Block[]
    norm: Float32Array
    head: TiedHead
    tokens: number
  }) {
    this.config = parts.config
    this.tokenizer = parts.tokenizer
    this.blocks = parts.blocks
    this.norm = parts.norm
    this.head = parts.head
    this.#tokens = parts.tokens
  }

  /**
   * Loads a GGUF file of the Llama architecture, or what {@link save} or `nnz-prune` made of one, and prunes it where the options say how:
   * `await Decoder.load(path, { method: 'sparsegpt', sparsity: 0.5, calibration: texts })`.
   *
   * @param file its path, or its bytes
   * @throws FileFormatError where the file is not what it should be; TypeError or RangeError where an option is wrong
   */
  static async load(file: DecoderFile, options: LoadDecoderOptions = {}): Promise<Decoder> {
    const { tokens = 512, ...pruning } = options
    const { source, config, tokenizer } = await openDecoder(file)
    const decoder = await Decoder.read(source, config, tokens, tokenizer)
    try {
      decoder.report = await prune(decoder, pruning, 'Decoder.load')
      return decoder
    } catch (error) {
      decoder.dispose()
      throw error
    }
  }

  /**
   * Reads the tensors by the names of a GGUF file.
   *
   * @param tokens the most that are computed at once: longer texts take several runs of a session
   * @throws RangeError where a tensor has another shape than the sizes say
   */
  static async read(
    source: WeightSource,
    config: DecoderConfig,
    tokens: number,
    tokenizer?: TextTokenizer,
  ): Promise<Decoder> {
    const { width, vocabulary } = config
    const blocks: Block[] = []
    for (let index = 0; index < config.layers; index++) blocks.push(await Block.read(source, index, config, tokens))
    const norm = await readShaped(source, 'output_norm.weight', [width])
    const head = new TiedHead(await readShaped(source, 'token_embd.weight', [vocabulary, width]), width)
    return new Decoder({ config, tokenizer, blocks, norm, head, tokens })
  }

  /** Every linear layer of the blocks, in the order in which they compute. */
  get linearLayers(): readonly LinearPart[] {
    return this.blocks.flatMap(({ stacks }) => stacks.flatMap(({ parts }) => parts))
  }

  /**
   * The normalised hidden states of all tokens of some sequences, [tokens, width], the sequences laid end to end.
   *
   * @throws RangeError where a sequence is longer than there are positions, or a token is not in the vocabulary
   */
  run(sequences: readonly (readonly number[])[], hooks: Hooks = {}): Tensor {
    const { tokens, positions, sequenceOffsets } = this.#pack(sequences)
    const { width, heads, ropeBase } = this.config
    const turns = rotations(positions, width / heads, ropeBase)
    return runBlocks(
      this.blocks,
      this.norm,
      this.head.embed(tokens),
      turns,
      (layer, { q, k, v }, out) => {
        const mask = hooks.attention?.(layer, { q, k, v, sequenceOffsets, causal: true })
        attention(q, k, v, { mask, sequenceOffsets, causal: true, out })
      },
      hooks,
    )
  }

  #pack(sequences: readonly (readonly number[])[]) {
    return pack(sequences, { longest: this.config.positions, vocabulary: this.config.vocabulary })
  }

  /** Logits of the token after each of a sequence, [tokens, vocabulary]. Throws what {@link run} throws. */
  logits(sequence: readonly number[], hooks: Hooks = {}): Tensor {
    return this.head.logits(this.run([sequence], hooks))
  }

  /** -log p of every token of a sequence but the first, given those before it, in nats. Throws what {@link run} throws. */
  surprises(sequence: readonly number[], hooks: Hooks = {}): Float64Array {
    const states = this.run([sequence], hooks)
    return this.head.surprises(states, [...sequence.slice(1), 0]).subarray(0, -1)
  }

  /** Sum of {@link surprises}. */
  surprise(sequence: readonly number[], hooks: Hooks = {}): number {
    return this.surprises(sequence, hooks).reduce((sum, each) => sum + each, 0)
  }

  /** A text that grows token by token: what was computed for its beginning is kept. Dispose it in the end. */
  session(capacity: number): DecoderSession {
    return new DecoderSession(this.config, capacity, (tokens, session, attend) => {
      const { positions } = this.#pack([tokens])
      const { width, heads, ropeBase } = this.config
      let states: Tensor | undefined
      for (let start = 0; start < tokens.length; start += this.#tokens) {
        const part = tokens.slice(start, start + this.#tokens)
        const from = session.length
        const turns = rotations(
          positions.slice(0, part.length).map((position) => from + position),
          width / heads,
          ropeBase,
        )
        states = runBlocks(this.blocks, this.norm, this.head.embed(part), turns, attend)
      }
      return this.head.logits(lastRow(states!)).data
    })
  }

  /**
   * Tokens that follow a text, one after another; ends at the tokeniser's end of text.
   *
   * @throws RangeError where the prompt is empty, too long, or an option is out of range
   */
  *generateTokens(prompt: readonly number[], options: GenerateOptions = {}): Generator<number> {
    const { tokens = 64 } = options
    if (!(Number.isInteger(tokens) && tokens >= 0))
      throw rangeError('NNZ_VALUE', `generate: expected tokens to be a whole number from 0 on, got ${tokens}`)
    const choose = sampler(options)
    const session = this.session(Math.min(this.config.positions, prompt.length + tokens))
    try {
      let next = choose(session.extend(prompt))
      for (let made = 0; made < tokens && next !== this.tokenizer?.end; made++) {
        yield next
        if (made + 1 < tokens && session.length < session.capacity) next = choose(session.extend([next]))
        else return
      }
    } finally {
      session.dispose()
    }
  }

  /**
   * The text that follows a prompt, piece by piece: `for (const piece of decoder.generate('Once', { tokens: 20 })) …`. Greedy,
   * or drawn with `temperature`, `topK` and `seed`.
   *
   * @throws TypeError where the decoder has no tokeniser
   * @throws RangeError as {@link generateTokens}
   */
  *generate(prompt: string, options: GenerateOptions = {}): Generator<string> {
    const tokenizer = this.#expectTokenizer()
    const made: number[] = []
    let told = ''
    for (const token of this.generateTokens(tokenizer.encode(prompt), options)) {
      made.push(token)
      const text = tokenizer.decode(made)
      // Characters of several tokens come when they are whole.
      if (text.endsWith('\ufffd')) continue
      yield text.slice(told.length)
      told = text
    }
  }

  /**
   * The linear layers, to be pruned on what they see while some texts are computed.
   *
   * @param calibration texts, joined and cut into windows of 256 tokens, or windows of tokens
   */
  prunable(calibration: readonly string[] | readonly (readonly number[])[]): PrunableNetwork {
    const texts = calibration.length > 0 && calibration.every((each) => typeof each === 'string')
    const windows = texts
      ? cutWindows(this.#expectTokenizer().encode(calibration.join('\n')), WINDOW)
      : (calibration as readonly (readonly number[])[])
    const { config, blocks, head } = this
    return new PrunableDecoder({ config, blocks, head, tokens: this.#tokens }, windows)
  }

  /** Everything as the bytes of one safetensors file that {@link load} takes; written to a path where one is given. */
  async save(path?: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = savedDecoder(this)
    if (path !== undefined) await files().writeFile(path, bytes)
    return bytes
  }

  /** What is packed by now. */
  get memory(): DecoderMemory {
    const packed = this.blocks.flatMap(({ stacks }) => stacks.map(({ packedBytes }) => packedBytes))
    return {
      decode: packed.reduce((sum, { one }) => sum + one, 0),
      prefill: packed.reduce((sum, { many }) => sum + many, 0),
      head: this.head.bytes,
    }
  }

  #expectTokenizer(): TextTokenizer {
    if (!this.tokenizer) throw new TypeError('decoder: it was read without a tokeniser, so give tokens instead of text')
    return this.tokenizer
  }

  /** Releases the packed weights of the linear layers; they are packed again when they are needed. */
  release(): void {
    for (const block of this.blocks) block.dispose()
  }

  /** Releases everything: the decoder cannot be used afterwards. */
  dispose(): void {
    this.release()
    this.head.dispose()
  }
}

/** Windows of so many tokens; a last one that is shorter is left out. */
export function cutWindows(tokens: readonly number[], length: number): number[][] {
  return Array.from({ length: Math.floor(tokens.length / length) }, (_, i) =>
    tokens.slice(i * length, (i + 1) * length),
  )
}

function lastRow({ data, shape: [tokens, width] }: Tensor): Tensor {
  return tensor(data.slice((tokens - 1) * width, tokens * width), [1, width])
}
