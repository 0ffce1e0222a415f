import type { Tensor, TensorHost } from '@nnz/core'
import type { EncoderConfig } from './config.ts'
import { type Lanes, lanes } from './kernels/types.ts'

/** Room for what an encoder computes for some tokens; nothing is allocated while it runs. */
export class Rooms {
  /** The most tokens. */
  readonly tokens: number
  /** Hidden states. */
  readonly x: Lanes
  /** What a product gives that is added to them. */
  readonly y: Lanes
  /** Queries, keys and values. */
  readonly qkv: Lanes
  /** Attention's results. */
  readonly mixed: Lanes
  readonly inner: Lanes
  readonly #views = new Map<Lanes, Map<number, Tensor>>()

  constructor({ width, innerWidth }: EncoderConfig, tokens: number, host: TensorHost | undefined) {
    this.tokens = tokens
    this.x = lanes(width, tokens, host)
    this.y = lanes(width, tokens, host)
    this.qkv = lanes(3 * width, tokens, host)
    this.mixed = lanes(width, tokens, host)
    this.inner = lanes(innerWidth, tokens, host)
  }

  get #all(): readonly Lanes[] {
    return [this.x, this.y, this.qkv, this.mixed, this.inner]
  }

  /** The first `tokens` columns, as an operand of products; [features, tokens]. */
  columns(room: Lanes, tokens: number): Tensor {
    let views = this.#views.get(room)
    if (!views) {
      views = new Map()
      this.#views.set(room, views)
    }
    let view = views.get(tokens)
    if (!view) {
      const { tensor, stride } = room
      view = {
        dtype: 'f32',
        shape: [tensor.shape[0], tokens],
        strides: [stride, 1],
        // Anew at each access: memory may have grown.
        get data() {
          return tensor.data
        },
      }
      views.set(tokens, view)
    }
    return view
  }

  get bytes(): number {
    return this.#all.reduce((sum, { tensor, stride }) => sum + 4 * tensor.shape[0] * stride, 0)
  }

  dispose(): void {
    for (const { tensor } of this.#all) release(tensor)
  }
}

/** Frees a tensor that lies in a backend's memory. */
export function release(tensor: Tensor): void {
  if ('dispose' in tensor) (tensor.dispose as () => void)()
}

/** The first columns turned round: [tokens, features], row-major without gaps, on the JS heap. */
export function tokensOf({ tensor, stride }: Lanes, features: number, tokens: number, firstFeature = 0): Float32Array {
  const { data } = tensor
  const result = new Float32Array(tokens * features)
  for (let i = 0; i < features; i++)
    for (let token = 0, at = (firstFeature + i) * stride; token < tokens; token++)
      result[token * features + i] = data[at++]
  return result
}

/** The other way round: the columns become the rows of a matrix [tokens, features]. */
export function fill({ tensor, stride }: Lanes, { data, shape: [tokens, features] }: Tensor): void {
  const to = tensor.data
  for (let i = 0; i < features; i++)
    for (let token = 0; token < tokens; token++) to[i * stride + token] = data[token * features + i]
}
