import { gemm, rangeError, type Tensor, tensor, transposed, zeros } from '@nnz/core'
import { BLOCK, type ByteBlocks, byteBlocks, widenBlocks } from './byte-blocks.ts'
import { byteRows } from './byte-rows.ts'
import { ExponentialRows } from './exponential-rows.ts'

/** Tokens of the vocabulary whose logits are computed at once: their embeddings stay in the cache. */
const STRIP = 2048

/**
 * The embeddings of a vocabulary, which are also the head (tied). They are kept as bytes and scales where the file that they
 * come from held them so: a quarter of the memory, and exactly the same numbers.
 */
export class TiedHead {
  readonly vocabulary: number
  readonly width: number
  readonly #rows: ByteRowsOrFloats
  readonly #strip: Float32Array

  /** @param embeddings [vocabulary, width], row-major */
  constructor(embeddings: Float32Array, width: number) {
    this.width = width
    this.vocabulary = embeddings.length / width
    const blocks = width % BLOCK === 0 ? byteBlocks(embeddings) : undefined
    this.#rows = blocks ? { blocks, product: byteRows(blocks, [this.vocabulary, width]) } : { floats: embeddings }
    this.#strip = new Float32Array(blocks ? Math.min(STRIP, this.vocabulary) * width : 0)
  }

  /** Bytes of the embeddings. */
  get bytes(): number {
    const { blocks, floats } = this.#rows
    return blocks ? blocks.data.byteLength + blocks.scales.byteLength : floats!.byteLength
  }

  /** Bytes and scales, where the embeddings are kept so. */
  get blocks(): ByteBlocks | undefined {
    return this.#rows.blocks
  }

  /** Embeddings of the tokens from `first` on, [count, width]: valid until the next call. */
  rows(first: number, count: number): Float32Array {
    const [start, end] = [first * this.width, (first + count) * this.width]
    const { blocks, floats } = this.#rows
    if (!blocks) return floats!.subarray(start, end)
    const room =
      end - start <= this.#strip.length ? this.#strip.subarray(0, end - start) : new Float32Array(end - start)
    widenBlocks(blocks, start, room)
    return room
  }

  /** The embeddings of some tokens, [tokens, width]. */
  embed(tokens: readonly number[]): Tensor {
    const x = zeros([tokens.length, this.width])
    for (const [row, token] of tokens.entries()) x.data.set(this.rows(token, 1), row * this.width)
    return x
  }

  /** Logits of normalised states [tokens, width]: [tokens, vocabulary]. */
  logits(states: Tensor): Tensor {
    const logits = zeros([states.shape[0], this.vocabulary])
    const { product } = this.#rows
    if (product && states.shape[0] === 1) {
      product.run(states.data, logits.data)
      return logits
    }
    const strides = [this.vocabulary, 1]
    for (const { first, count, strip } of this.#strips()) {
      const out = tensor(logits.data.subarray(first), [states.shape[0], count], { strides })
      gemm(states, transposed(strip), { out })
    }
    return logits
  }

  /** -log p of a token after each of some states, in nats; the vocabulary's logits are never held at once. */
  surprises(states: Tensor, tokens: readonly number[]): Float64Array {
    const rows = states.shape[0]
    if (tokens.length !== rows)
      throw rangeError('NNZ_SHAPE', `surprises: got ${tokens.length} tokens, expected ${rows} (the states)`)
    const largest = new Float64Array(rows).fill(Number.NEGATIVE_INFINITY)
    const sums = new Float64Array(rows)
    const own = new Float64Array(rows)
    let room: ExponentialRows | undefined
    for (const { first, count, strip } of this.#strips()) {
      if (room?.logits.shape[1] !== count) {
        room?.dispose()
        room = new ExponentialRows(rows, count)
      }
      gemm(states, transposed(strip), { out: room.logits })
      const { data } = room.logits
      for (let row = 0; row < rows; row++)
        if (tokens[row] >= first && tokens[row] < first + count) own[row] = data[row * count + tokens[row] - first]
      const parts = room.exponentials(rows)
      for (let row = 0; row < rows; row++) {
        const most = Math.max(largest[row], parts[3 * row])
        sums[row] = sums[row] * Math.exp(largest[row] - most) + parts[3 * row + 1] * Math.exp(parts[3 * row] - most)
        largest[row] = most
      }
    }
    room?.dispose()
    return own.map((logit, row) => largest[row] + Math.log(sums[row]) - logit)
  }

  /** Some embeddings after the others, as matrices [count, width] that are valid until the next. */
  *#strips(): Generator<{ first: number; count: number; strip: Tensor }> {
    for (let first = 0; first < this.vocabulary; first += STRIP) {
      const count = Math.min(STRIP, this.vocabulary - first)
      yield { first, count, strip: tensor(this.rows(first, count), [count, this.width]) }
    }
  }

  dispose(): void {
    this.#rows.product?.dispose()
  }
}

type ByteRowsOrFloats =
  | { readonly blocks: ByteBlocks; readonly product: ReturnType<typeof byteRows>; readonly floats?: undefined }
  | { readonly floats: Float32Array; readonly blocks?: undefined; readonly product?: undefined }
