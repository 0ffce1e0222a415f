import { sparseK } from './sparse-k.ts'

/**
 * The selection of one head while tokens arrive: since the threshold never falls, a token that was left out does not come
 * back, and only the scores of those that have a share are remembered.
 */
export class SparseKSelection {
  readonly #count: number
  /** Tokens with a share, rising, and their scores and shares. */
  tokens: number[] = []
  shares: Float64Array = new Float64Array(0)
  #scores: number[] = []
  /** Positions in `tokens` of the `count` highest scores, rising: those that are attended. */
  kept: number[] = []

  /** @param count tokens that are attended, and the sum of the shares */
  constructor(count: number) {
    this.#count = count
  }

  /** Takes in the tokens from `first` on. */
  add(first: number, scores: ArrayLike<number>): void {
    const all = [...this.#scores, ...Array.from(scores)]
    const tokens = [...this.tokens, ...Array.from(scores, (_, i) => first + i)]
    const shares = sparseK(all, this.#count)
    const alive = [...shares.keys()].filter((i) => shares[i] > 0)
    this.#scores = alive.map((i) => all[i])
    this.tokens = alive.map((i) => tokens[i])
    this.shares = Float64Array.from(alive, (i) => shares[i])
    this.kept = [...alive.keys()]
      .sort((a, b) => this.#scores[b] - this.#scores[a] || a - b)
      .slice(0, this.#count)
      .sort((a, b) => a - b)
  }
}
