import type { Loss } from '@nnz/backprop/kit'
import { gemm, rangeError, type Tensor, tensor, transposed, zeros } from '@nnz/core'
import { ExponentialRows } from '../../decoder/exponential-rows.ts'
import { room } from '../../decoder/memory.ts'

/** Tokens whose logits are held at once. */
const CHUNK = 512

/** What a {@link NextTokenLoss} comes to. */
export interface TokenLoss extends Loss {
  /** -log p of the next token, the mean, in nats. */
  readonly surprise: number
  /** Kullback-Leibler divergence from the teacher's distribution, the mean, in nats. */
  readonly divergence: number
}

/**
 * A share of the divergence from a teacher (Hinton et al., arXiv 1503.02531) and the rest of the surprise by the next token,
 * the mean over the tokens that have a label. The head is given and is not trained.
 */
export class NextTokenLoss {
  /** [vocabulary, width] */
  readonly #head: Tensor & { dispose?(): void }
  readonly #own: ExponentialRows
  readonly #taught: ExponentialRows
  readonly #share: number

  /**
   * @param head [vocabulary, width]
   * @param tokens the most of a run
   * @param share of the divergence, 0..1. Default: 0.5
   */
  constructor(head: Tensor, tokens: number, share = 0.5) {
    if (!(share >= 0 && share <= 1)) throw rangeError('NNZ_VALUE', `the share of a teacher is 0..1, got ${share}`)
    this.#head = room(head.shape)
    this.#head.data.set(head.data)
    const rows = Math.min(CHUNK, tokens)
    this.#own = new ExponentialRows(rows, head.shape[0])
    this.#taught = new ExponentialRows(rows, head.shape[0])
    this.#share = share
  }

  /**
   * @param states normalised hidden states [tokens, width]
   * @param labels the token after each, -1 where it is not judged
   * @param teacher normalised hidden states of the teacher, [tokens, width]
   * @returns the loss and its gradient by the states
   */
  run(states: Tensor, labels: readonly number[], teacher: Tensor): TokenLoss {
    const [tokens, width] = states.shape
    const judged = labels.reduce((count, label) => count + Number(label >= 0), 0)
    const gradient = zeros(states.shape)
    let [surprise, divergence] = [0, 0]
    const chunk = this.#own.logits.shape[0]
    for (let start = 0; start < tokens; start += chunk) {
      const count = Math.min(chunk, tokens - start)
      const part = ({ data }: Tensor) => tensor(data.subarray(start * width, (start + count) * width), [count, width])
      const logits = rowsOf(this.#own.logits, count)
      gemm(part(states), transposed(this.#head), { out: logits })
      gemm(part(teacher), transposed(this.#head), { out: rowsOf(this.#taught.logits, count) })
      const sums = this.#slopes(labels.slice(start, start + count), judged)
      surprise += sums.surprise
      divergence += sums.divergence
      gemm(logits, this.#head, { out: part(gradient) })
    }
    return { loss: (1 - this.#share) * surprise + this.#share * divergence, surprise, divergence, gradient }
  }

  /** Replaces the logits of some tokens by the slopes of the loss by them; returns what they add to the means. */
  #slopes(labels: readonly number[], judged: number): { surprise: number; divergence: number } {
    const rows = labels.length
    const columns = this.#head.shape[0]
    const places = labels.map((label, row) => row * columns + label)
    const { logits } = this.#own
    const chosen = places.map((place, row) => (labels[row] < 0 ? 0 : logits.data[place]))
    const taught = this.#taught.exponentials(rows).slice()
    const dots = this.#own.dots(this.#taught, rows)
    const own = this.#own.exponentials(rows).slice()
    const [factors, others] = [new Float32Array(rows), new Float32Array(rows)]
    let [surprise, divergence] = [0, 0]
    for (let row = 0; row < rows; row++) {
      if (labels[row] < 0) continue
      const [largest, sum] = [own[3 * row], own[3 * row + 1]]
      const [sumTaught, weighted] = [taught[3 * row + 1], taught[3 * row + 2]]
      const total = largest + Math.log(sum)
      surprise += (total - chosen[row]) / judged
      divergence += ((weighted - dots[row]) / sumTaught - Math.log(sumTaught) + total) / judged
      factors[row] = 1 / sum / judged
      others[row] = this.#share / sumTaught / judged
    }
    this.#own.blend(this.#taught, factors, others)
    const slopes = logits.data
    for (const [row, label] of labels.entries()) if (label >= 0) slopes[places[row]] -= (1 - this.#share) / judged
    return { surprise, divergence }
  }

  /** Releases the room for logits. */
  dispose(): void {
    this.#head.dispose?.()
    this.#own.dispose()
    this.#taught.dispose()
  }
}

function rowsOf({ data, shape: [, columns] }: Tensor, rows: number): Tensor {
  return tensor(data.subarray(0, rows * columns), [rows, columns])
}
