import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { mean, sampleRankCorrelation } from 'simple-statistics'
import type { SentencePair } from '../networks/scores.ts'
import { type Interval, intervalOf } from '../statistics/index.ts'

const RESAMPLES = 500
const SEED = 20261124

/** A figure with the 95 % interval of a bootstrap over the pairs (Efron 1979). */
export type Estimate = Interval & { readonly value: number }

/** How well embeddings tell what people find similar. */
export interface Similarity {
  /** Spearman's rank correlation of cosines with people's scores, times 100. */
  readonly spearman: Estimate
  /** The same less that of the dense network, on the same pairs. */
  readonly change: Estimate
  /** Of the embeddings with those of the dense network, the mean. */
  readonly cosine: Estimate
}

/** Judges embeddings of the sentences of some pairs, [2 · pairs, width], each of length 1, beside those of the dense network. */
export class SimilarityJudge {
  readonly #pairs: readonly SentencePair[]
  readonly #dense: Float32Array
  /** Pairs that are drawn, the same for every network. */
  readonly #draws: readonly (readonly number[])[]
  readonly #denseScores: readonly number[]

  constructor(pairs: readonly SentencePair[], dense: Float32Array) {
    this.#pairs = pairs
    this.#dense = dense
    const random = xoroshiro128plus(SEED)
    const every = pairs.map((_, pair) => pair)
    const drawn = Array.from({ length: RESAMPLES }, () => every.map(() => uniformInt(random, 0, pairs.length - 1)))
    this.#draws = [every, ...drawn]
    this.#denseScores = this.#scores(dense)
  }

  judge(embeddings: Float32Array): Similarity {
    const scores = this.#scores(embeddings)
    const width = embeddings.length / (2 * this.#pairs.length)
    const near = this.#pairs.map(
      (_, pair) =>
        (dot(embeddings, this.#dense, 2 * pair, 2 * pair, width) +
          dot(embeddings, this.#dense, 2 * pair + 1, 2 * pair + 1, width)) /
        2,
    )
    return {
      spearman: estimate(scores),
      change: estimate(scores.map((score, draw) => score - this.#denseScores[draw]!)),
      cosine: estimate(this.#draws.map((draw) => mean(draw.map((pair) => near[pair]!)))),
    }
  }

  /** Spearman x 100 over all pairs, then over each draw. */
  #scores(embeddings: Float32Array): number[] {
    const width = embeddings.length / (2 * this.#pairs.length)
    const cosines = this.#pairs.map((_, pair) => dot(embeddings, embeddings, 2 * pair, 2 * pair + 1, width))
    return this.#draws.map(
      (draw) =>
        100 *
        sampleRankCorrelation(
          draw.map((pair) => cosines[pair]!),
          draw.map((pair) => this.#pairs[pair]!.score),
        ),
    )
  }
}

/** Of the value over all pairs, which comes first, and those of the draws. */
function estimate([value, ...draws]: readonly number[]): Estimate {
  return { value: value!, ...intervalOf(Float64Array.from(draws)) }
}

function dot(a: Float32Array, b: Float32Array, rowOfA: number, rowOfB: number, width: number): number {
  let sum = 0
  for (let i = 0; i < width; i++) sum += a[rowOfA * width + i]! * b[rowOfB * width + i]!
  return sum
}
