import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { type Interval, intervalOf } from '../statistics/index.ts'

/** What a model made of one window of tokens. */
export interface WindowSurprise {
  /** Sum of -log p, in nats. */
  readonly surprise: number
  /** Tokens that were judged. */
  readonly judged: number
}

const RESAMPLES = 1000
const SEED = 20261124

/** Perplexity over some windows, with the 95 % interval of a bootstrap over them (Efron 1979). */
export function perplexityOf(windows: readonly WindowSurprise[]): Interval & { readonly value: number } {
  const random = xoroshiro128plus(SEED)
  const draws = Float64Array.from({ length: RESAMPLES }, () =>
    perplexity(windows.map(() => windows[uniformInt(random, 0, windows.length - 1)]!)),
  )
  return { value: perplexity(windows), ...intervalOf(draws) }
}

function perplexity(windows: readonly WindowSurprise[]): number {
  let [sum, count] = [0, 0]
  for (const { surprise, judged } of windows) {
    sum += surprise
    count += judged
  }
  return Math.exp(sum / count)
}
