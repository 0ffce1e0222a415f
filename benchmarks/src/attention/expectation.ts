import { shuffled } from '../runner/shuffle.ts'
import { type Expectation, type Inputs, UNIT_ROUNDOFF } from '../runner/task.ts'
import type { AttentionTask } from './task.ts'

type Sizes = Pick<AttentionTask, 'heads' | 'keyHeads' | 'tokens' | 'keys' | 'headDim' | 'keeps'>

/** Multiplications that a check may take, about. */
const CHECKED_PRODUCTS = 5e7
const FEWEST_ROWS = 24

/** A query's softmax row in f64. */
interface Row {
  readonly kept: readonly number[]
  readonly weights: Float64Array
  /** The largest sum of |scale q k| of a kept pair: how much the scores' own rounding moves the weights. */
  readonly scores: number
}

function softmaxRow(
  { keys, headDim, keeps }: Sizes,
  q: Float32Array,
  k: Float32Array,
  query: number,
  head: number,
  keyHead: number,
  tokens: number,
): Row {
  const scale = 1 / Math.sqrt(headDim)
  const from = (head * tokens + query) * headDim
  const kept: number[] = []
  const exact: number[] = []
  let scores = 0
  let most = Number.NEGATIVE_INFINITY
  for (let key = 0; key < keys; key++) {
    if (!keeps(query, key, head)) continue
    const at = (keyHead * keys + key) * headDim
    let sum = 0
    let magnitude = 0
    for (let i = 0; i < headDim; i++) {
      const product = q[from + i] * k[at + i]
      sum += product
      magnitude += Math.abs(product)
    }
    kept.push(key)
    exact.push(sum * scale)
    scores = Math.max(scores, magnitude * scale)
    most = Math.max(most, sum * scale)
  }
  const weights = Float64Array.from(exact, (score) => Math.exp(score - most))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return { kept, weights: weights.map((weight) => weight / total), scores }
}

/**
 * Units in the last place of the sum of |weight| |value| that a right result may be off by, besides what the scores' rounding
 * does to the weights.
 */
const UNITS = 8

/** The f64 reference on all rows of the output, or of a large one on some drawn from a seed. */
export function forwardExpectation(sizes: Sizes, [q, k, v]: Inputs): Expectation {
  const { heads, keyHeads, tokens, keys, headDim } = sizes
  const affordable = Math.floor(CHECKED_PRODUCTS / (2 * keys * headDim))
  const rows = drawn(heads * tokens, Math.max(FEWEST_ROWS, affordable))
  const indices = new Uint32Array(rows.length * headDim)
  const values = new Float64Array(indices.length)
  const bounds = new Float64Array(indices.length)
  rows.forEach((row, place) => {
    const head = Math.floor(row / tokens)
    const keyHead = Math.floor((head * keyHeads) / heads)
    const { kept, weights, scores } = softmaxRow(sizes, q, k, row % tokens, head, keyHead, tokens)
    for (let i = 0; i < headDim; i++) {
      let sum = 0
      let magnitude = 0
      kept.forEach((key, n) => {
        const term = weights[n] * v[(keyHead * keys + key) * headDim + i]
        sum += term
        magnitude += Math.abs(term)
      })
      indices[place * headDim + i] = row * headDim + i
      values[place * headDim + i] = sum
      bounds[place * headDim + i] = UNITS * UNIT_ROUNDOFF * (1 + scores) * magnitude
    }
  })
  return { indices, values, bounds, rows: rows.length }
}

/**
 * The f64 reference of dQ, dK and dV, on the query heads of one key head: a gradient of keys needs all their queries.
 * Tolerances scale with the sums of magnitudes, as those of the forward pass do.
 */
export function backwardExpectation(sizes: Sizes, [q, k, v, dOutput]: Inputs): Expectation {
  const { heads, keyHeads, tokens, keys, headDim } = sizes
  const group = heads / keyHeads
  const keyHead = keyHeads - 1
  const scale = 1 / Math.sqrt(headDim)
  const queries = group * tokens * headDim
  const gradients = {
    dQ: new Float64Array(queries),
    dK: new Float64Array(keys * headDim),
    dV: new Float64Array(keys * headDim),
  }
  const magnitudes = {
    dQ: new Float64Array(queries),
    dK: new Float64Array(keys * headDim),
    dV: new Float64Array(keys * headDim),
  }
  for (let row = 0; row < group * tokens; row++) {
    const head = keyHead * group + Math.floor(row / tokens)
    const { kept, weights, scores } = softmaxRow(sizes, q, k, row % tokens, head, keyHead, tokens)
    const from = (head * tokens + (row % tokens)) * headDim
    const slopes = kept.map((key) => {
      let sum = 0
      let magnitude = 0
      for (let i = 0; i < headDim; i++) {
        const product = dOutput[from + i] * v[(keyHead * keys + key) * headDim + i]
        sum += product
        magnitude += Math.abs(product)
      }
      return { sum, magnitude }
    })
    const mean = slopes.reduce((sum, slope, n) => sum + slope.sum * weights[n], 0)
    const meanMagnitude = slopes.reduce((sum, slope, n) => sum + slope.magnitude * weights[n], 0)
    kept.forEach((key, n) => {
      const at = (keyHead * keys + key) * headDim
      const slope = scale * weights[n] * (slopes[n].sum - mean)
      const slopeMagnitude = scale * weights[n] * (slopes[n].magnitude + meanMagnitude) * (1 + scores)
      for (let i = 0; i < headDim; i++) {
        const to = key * headDim + i
        gradients.dQ[row * headDim + i] += slope * k[at + i]
        magnitudes.dQ[row * headDim + i] += slopeMagnitude * Math.abs(k[at + i])
        gradients.dK[to] += slope * q[from + i]
        magnitudes.dK[to] += slopeMagnitude * Math.abs(q[from + i])
        gradients.dV[to] += weights[n] * dOutput[from + i]
        magnitudes.dV[to] += weights[n] * (1 + scores) * Math.abs(dOutput[from + i])
      }
    })
  }
  const starts = {
    dQ: keyHead * queries,
    dK: heads * tokens * headDim + keyHead * keys * headDim,
    dV: heads * tokens * headDim + (keyHeads + keyHead) * keys * headDim,
  }
  const names = ['dQ', 'dK', 'dV'] as const
  return {
    indices: names.flatMap((name) => Array.from(gradients[name], (_, i) => starts[name] + i)),
    values: names.flatMap((name) => Array.from(gradients[name])),
    bounds: names.flatMap((name) => Array.from(magnitudes[name], (sum) => UNITS * UNIT_ROUNDOFF * sum)),
    rows: group * tokens + 2 * keys,
  }
}

/** `count` of the numbers below `size`, rising; the first and the last are always among them. */
function drawn(size: number, count: number): number[] {
  const all = Array.from({ length: size }, (_, i) => i)
  if (count >= size) return all
  return [0, ...shuffled(1)(all.slice(1, -1)).slice(0, count - 2), size - 1].sort((a, b) => a - b)
}
