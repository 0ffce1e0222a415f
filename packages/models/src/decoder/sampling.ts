import { rangeError } from '@nnz/core'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** How the next token is chosen. */
export interface SamplingOptions {
  /** 0, the default, takes the likeliest token; larger ones draw from softmax(logits / temperature). */
  readonly temperature?: number | undefined
  /** Draw from so many of the likeliest tokens. Default: all. */
  readonly topK?: number | undefined
  /** The same draws for the same seed. Default: 1. */
  readonly seed?: number | undefined
}

/**
 * A function from logits to a token.
 *
 * @throws RangeError where an option is out of range
 */
export function sampler({ temperature = 0, topK, seed = 1 }: SamplingOptions = {}): (logits: Float32Array) => number {
  if (!(temperature >= 0 && temperature < Number.POSITIVE_INFINITY))
    throw rangeError('NNZ_VALUE', `generate: expected a temperature from 0 on, got ${temperature}`)
  if (topK !== undefined && !(Number.isInteger(topK) && topK > 0))
    throw rangeError('NNZ_VALUE', `generate: expected topK to be a whole number from 1 on, got ${topK}`)
  if (!Number.isInteger(seed))
    throw rangeError('NNZ_VALUE', `generate: expected the seed to be a whole number, got ${seed}`)
  if (temperature === 0) return likeliest
  const generator = xoroshiro128plus(seed)
  return (logits) => draw(logits, temperature, topK ?? logits.length, (generator.next() >>> 0) / 2 ** 32)
}

function likeliest(logits: Float32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i
  return best
}

/** The token at which the sum of probabilities, from the likeliest on, passes `share`. */
function draw(logits: Float32Array, temperature: number, topK: number, share: number): number {
  const order = Uint32Array.from(logits, (_, i) => i)
    .sort((a, b) => logits[b] - logits[a] || a - b)
    .subarray(0, topK)
  const weights = Array.from(order, (token) => Math.exp((logits[token] - logits[order[0]]) / temperature))
  let rest = share * weights.reduce((sum, weight) => sum + weight, 0)
  const at = weights.findIndex((weight) => {
    rest -= weight
    return rest < 0
  })
  return order[at < 0 ? order.length - 1 : at]
}
