import { type Backend, type Tensor, typeError } from '@nnz/core'
import type { Hooks } from '../hooks.ts'
import { readShaped, type WeightSource } from '../weights.ts'
import type { EncoderConfig } from './config.ts'
import { operationsOf } from './kernels/index.ts'
import { type EncoderOperations, hostOf } from './kernels/types.ts'
import { COLUMNS, type NamedNorm, type Pass, place, readNorm, readStages, type Stage } from './layer.ts'
import { Rooms, release } from './rooms.ts'

/** Sequences that are computed at once. */
export interface Group {
  readonly sequences: readonly (readonly number[])[]
  /** The first of them among all. */
  readonly first: number
  readonly tokens: number
}

/** Cuts sequences into groups of at most so many tokens; a longer sequence stands alone. */
export function groups(sequences: readonly (readonly number[])[], tokens: number): Group[] {
  const result: { sequences: (readonly number[])[]; first: number; tokens: number }[] = []
  let size = 0
  for (const [first, sequence] of sequences.entries()) {
    // One without tokens counts, too: its results need room.
    const length = Math.max(1, sequence.length)
    if (first === 0 || size + length > tokens) {
      result.push({ sequences: [], first, tokens: 0 })
      size = 0
    }
    const group = result[result.length - 1]
    group.sequences.push(sequence)
    group.tokens += sequence.length
    size += length
  }
  return result
}

/** The parameters of a BERT encoder and the room to compute with them. */
export class Forward {
  readonly config: EncoderConfig
  readonly backend: Backend
  /** [vocabulary, width]. */
  readonly words: Tensor
  /** Position embeddings, each with the embedding of token type 0 added. */
  readonly places: Tensor
  readonly norm: NamedNorm
  readonly layers: readonly (readonly Stage[])[]
  /** The most tokens that are computed at once; more only for a longer sequence. */
  readonly tokens: number
  #disposed = false
  #work: { readonly rooms: Rooms; readonly operations: EncoderOperations } | undefined

  private constructor(
    parts: Pick<Forward, 'config' | 'backend' | 'words' | 'places' | 'norm' | 'layers'>,
    tokens: number,
  ) {
    this.config = parts.config
    this.backend = parts.backend
    this.words = parts.words
    this.places = parts.places
    this.norm = parts.norm
    this.layers = parts.layers
    this.tokens = tokens
  }

  static async read(source: WeightSource, config: EncoderConfig, backend: Backend, tokens: number): Promise<Forward> {
    const { width, positions, vocabulary } = config
    const host = hostOf(backend)
    const places = (await readShaped(source, 'embeddings.position_embeddings.weight', [positions, width])).slice()
    const types = await readShaped(source, 'embeddings.token_type_embeddings.weight', [2, width])
    for (let i = 0; i < places.length; i++) places[i] += types[i % width]
    const layers: (readonly Stage[])[] = []
    for (let index = 0; index < config.layers; index++) layers.push(await readStages(source, index, config, backend))
    const words = await readShaped(source, 'embeddings.word_embeddings.weight', [vocabulary, width])
    return new Forward(
      {
        config,
        backend,
        words: place(words, [vocabulary, width], host),
        places: place(places, [positions, width], host),
        norm: await readNorm(source, 'embeddings.LayerNorm', width, host),
        layers,
      },
      tokens,
    )
  }

  get stages(): readonly Stage[] {
    return this.layers.flat()
  }

  get roomBytes(): number {
    return this.#work?.rooms.bytes ?? 0
  }

  /** Writes the normalised embeddings of some sequences, and says what the layers need. */
  embed({ sequences, tokens }: Group, hooks: Hooks): Pass {
    // Sequences without tokens need room, too.
    const { rooms, operations } = this.#room(Math.max(tokens, sequences.length))
    const offsets = new Int32Array(sequences.length + 1)
    const [ids, positions] = [new Int32Array(tokens), new Int32Array(tokens)]
    let at = 0
    for (const [index, sequence] of sequences.entries()) {
      for (const [position, token] of sequence.entries()) {
        positions[at] = position
        ids[at++] = token
      }
      offsets[index + 1] = at
    }
    const { config, words, places, norm } = this
    operations.embed({ tokens: ids, positions, words, places, x: rooms.x })
    operations.addNorm({ x: rooms.x, norm, epsilon: config.epsilon, tokens })
    return { operations, rooms, config, tokens, offsets, hooks }
  }

  /** Makes room for so many tokens at once. */
  reserve(tokens: number): void {
    this.#room(tokens)
  }

  #room(tokens: number): { readonly rooms: Rooms; readonly operations: EncoderOperations } {
    if (this.#disposed) throw typeError('NNZ_DISPOSED', 'encoder: it was used after dispose()')
    if (this.#work && this.#work.rooms.tokens >= tokens) return this.#work
    this.#work?.rooms.dispose()
    const most = COLUMNS * Math.ceil(Math.max(this.tokens, tokens) / COLUMNS)
    const { config, backend } = this
    const { width, heads } = config
    this.#work = {
      rooms: new Rooms(config, most, hostOf(backend)),
      operations: operationsOf(backend, { width, heads, tokens: most }),
    }
    return this.#work
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#work?.rooms.dispose()
    this.#work = undefined
    const norms = [this.norm]
    for (const { product, bias, norm } of this.stages) {
      product.dispose()
      release(bias)
      if (norm) norms.push(norm)
    }
    for (const each of [this.words, this.places, ...norms.flatMap(({ gain, shift }) => [gain, shift])]) release(each)
  }
}
