import { describe, expectOptions, gemm, rangeError, tensor, typeError } from '@nnz/core'
import { expectLayer, masked } from '../layer.ts'
import type { LayerWeights, PrunedLayer } from '../network.ts'
import type { LayerStatistics } from '../statistics/collector.ts'
import { expectInputs, wandaScores } from './wanda.ts'

/** Options of {@link dsnot}. */
export interface DsnotOptions {
  /** Swaps that are tried in each row. Default: 50, as in the paper. */
  readonly cycles?: number | undefined
  /** Swap only among so many neighbouring columns: m, for an N:M mask. Default: the whole row. */
  readonly within?: number | undefined
}

/** What swaps of a row work on. */
interface Row {
  /** Weights of the row. */
  readonly weights: Float32Array
  readonly mask: Uint8Array
  /** |weight| times norm of its input. */
  readonly scores: Float32Array
  /** The Gram matrix times what the row lost. */
  readonly lost: Float64Array
  /** Squared error of the row's output over all tokens. */
  energy: number
  /** Expected error of the row's output. */
  expected: number
}

interface Inputs {
  readonly columns: number
  readonly means: Float64Array
  readonly variances: Float64Array
  readonly gram: Float32Array
}

/** Below this share of a row's error a change is rounding. */
const ROUNDING = 1e-6

/**
 * Exchanges kept and removed weights of a pruned layer without training (DSnoT, arXiv 2310.08915). In each row, the
 * removed weight is grown that reduces the expected error of the output most, in proportion to the variance of its input;
 * then of the kept weights that reduce it further, the one with the least product of magnitude and input norm is removed.
 * Kept weights are bit by bit those of the layer, the number of each row stays what it is, and an exchange that would
 * raise the squared error of the output on the calibration data, as the Gram matrix tells it, is not made.
 *
 * @param layer weights before pruning
 * @param mask what is kept of them, [rows, columns]
 * @param statistics with the Gram matrix
 * @throws TypeError or RangeError if the layer, the mask or the statistics do not fit
 */
export function dsnot(
  layer: LayerWeights,
  mask: Uint8Array,
  statistics: LayerStatistics,
  options: DsnotOptions = {},
): PrunedLayer {
  expectLayer(layer, 'dsnot')
  expectOptions(options, 'dsnot')
  const { weights, rows, columns } = layer
  const { cycles = 50, within = columns } = options
  for (const [key, value, least] of [
    ['cycles', cycles, 0],
    ['within', within, 1],
  ] as const) {
    if (columns > 0 && !(Number.isInteger(value) && value >= least))
      throw rangeError(
        'NNZ_VALUE',
        `dsnot: expected ${key} to be a whole number from ${least} on, got ${describe(value)}`,
      )
  }
  if (!(mask instanceof Uint8Array))
    throw typeError('NNZ_TYPE', `dsnot: expected mask to be a Uint8Array, got ${describe(mask)}`)
  if (mask.length !== weights.length)
    throw rangeError('NNZ_SHAPE', `dsnot: mask has ${mask.length} elements, expected ${weights.length}`)
  const inputs = inputsOf(statistics, columns)
  const result = mask.slice()
  if (weights.length === 0) return masked(weights, result)
  const lost = weights.map((weight, i) => (mask[i] === 0 ? weight : 0))
  const products = gemm(tensor(lost, [rows, columns]), tensor(inputs.gram, [columns, columns])).data
  const scores = wandaScores(layer, statistics)
  for (let row = 0; row < rows; row++) {
    const [begin, end] = [row * columns, (row + 1) * columns]
    const state: Row = {
      weights: weights.subarray(begin, end),
      mask: result.subarray(begin, end),
      scores: scores.subarray(begin, end),
      lost: Float64Array.from(products.subarray(begin, end)),
      energy: 0,
      expected: 0,
    }
    for (let i = begin; i < end; i++) {
      state.energy += lost[i] * products[i]
      state.expected += lost[i] * inputs.means[i - begin]
    }
    exchange(state, inputs, cycles, within)
  }
  return masked(weights, result)
}

function inputsOf(statistics: LayerStatistics, columns: number): Inputs {
  const { squaredNorms, means, tokens, gram } = statistics ?? {}
  expectInputs(squaredNorms, columns, 'dsnot: squaredNorms')
  expectInputs(means, columns, 'dsnot: means')
  if (!(gram instanceof Float32Array) || gram.length !== columns * columns)
    throw typeError(
      'NNZ_TYPE',
      `dsnot: expected a Gram matrix of ${columns * columns} elements in a Float32Array, got ${describe(gram)}`,
    )
  return {
    columns,
    gram,
    means: means,
    variances: means.map((mean, i) => Math.max(0, squaredNorms[i] / tokens - mean * mean)),
  }
}

function exchange(row: Row, inputs: Inputs, cycles: number, within: number): void {
  // Weights that came or went once, and what was tried in vain: none of them is taken again.
  const settled = new Uint8Array(inputs.columns)
  for (let cycle = 0; cycle < cycles; cycle++) {
    const grown = weightToGrow(row, inputs, settled)
    if (grown < 0) return
    settled[grown] = 1
    const removed = weightToRemove(row, inputs, settled, grown, within)
    if (removed < 0) continue
    const change = energyChange(row, inputs, grown, removed)
    if (change < -ROUNDING * row.energy) {
      settled[removed] = 1
      swap(row, inputs, grown, removed)
      row.energy += change
    }
  }
}

/** The removed weight whose return reduces the expected error most, for the variance of its input. */
function weightToGrow({ weights, mask, expected }: Row, { means, variances }: Inputs, settled: Uint8Array): number {
  const sign = Math.sign(expected)
  let best = -1
  let most = 0
  for (let i = 0; i < weights.length; i++) {
    if (mask[i] !== 0 || settled[i] !== 0) continue
    const gain = (sign * weights[i] * means[i]) / (variances[i] + Number.MIN_VALUE)
    if (gain > most) {
      most = gain
      best = i
    }
  }
  return best
}

/** Of the kept weights whose loss reduces the expected error, too, the one with the lowest score. */
function weightToRemove(
  { weights, mask, scores, expected }: Row,
  { means }: Inputs,
  settled: Uint8Array,
  grown: number,
  within: number,
): number {
  const sign = Math.sign(expected - weights[grown] * means[grown])
  const begin = grown - (grown % within)
  let best = -1
  for (let i = begin; i < Math.min(begin + within, weights.length); i++) {
    if (mask[i] === 0 || settled[i] !== 0 || sign * weights[i] * means[i] > 0) continue
    if (best < 0 || scores[i] < scores[best]) best = i
  }
  return best
}

/** How the squared error of the row's output changes if one weight comes back for another. */
function energyChange({ weights, lost }: Row, { gram, columns }: Inputs, grown: number, removed: number): number {
  const [a, b] = [weights[grown], weights[removed]]
  const quadratic =
    a * a * gram[grown * columns + grown] +
    b * b * gram[removed * columns + removed] -
    2 * a * b * gram[grown * columns + removed]
  return 2 * (b * lost[removed] - a * lost[grown]) + quadratic
}

function swap(row: Row, { gram, means, columns }: Inputs, grown: number, removed: number): void {
  const { weights, mask, lost } = row
  const [a, b] = [weights[grown], weights[removed]]
  mask[grown] = 1
  mask[removed] = 0
  row.expected += b * means[removed] - a * means[grown]
  for (let i = 0; i < columns; i++) lost[i] += b * gram[removed * columns + i] - a * gram[grown * columns + i]
}
