import { expectOptions, rangeError, typeError } from '@nnz/core'
import { countsByMagnitude, entriesOf } from '../allocation/allocate.ts'
import { countNonZeros, expectLayer } from '../layer.ts'
import { magnitude } from '../methods/magnitude.ts'
import { expectSparsity } from '../methods/options.ts'
import type { PrunableLayer } from '../network.ts'
import { type Pattern, unitsOf } from '../pattern/pattern.ts'
import type { QualityPoint } from './knee.ts'

/** One step of a sweep, while the layers hold its weights. */
export interface SweepStep {
  /** Share of weights that are not kept, over all layers. */
  readonly sparsity: number
  /** Weights that are not zero, over all layers. */
  readonly nnz: number
}

/** Options of {@link magnitudeSweep}. */
export interface SweepOptions {
  /** Sparsities to be visited, over all layers together, or N:M patterns, which have their own. */
  readonly steps: readonly (number | Pattern)[]
  /** Measures the network while its layers hold the weights of a step. */
  readonly evaluate: (step: SweepStep) => number | Promise<number>
}

/**
 * Removes ever more of the smallest magnitudes of all layers together, at once and without retraining, and measures the
 * network each time (essential sparsity, arXiv 2306.03805). The layers get their weights back at the end, and if
 * `evaluate` throws.
 *
 * @throws TypeError or RangeError if a step is neither a sparsity nor an N:M pattern
 */
export async function magnitudeSweep(
  layers: readonly PrunableLayer[],
  options: SweepOptions,
): Promise<(QualityPoint & SweepStep)[]> {
  expectOptions(options, 'magnitudeSweep')
  const { steps, evaluate } = options
  if (!Array.isArray(steps) || typeof evaluate !== 'function')
    throw typeError('NNZ_TYPE', 'magnitudeSweep: expected an array of steps and a function evaluate')
  for (const step of steps) {
    if (typeof step === 'number') expectSparsity(step, 'magnitudeSweep')
    else if (!unitsOf(step, 'magnitudeSweep').nm)
      throw rangeError('NNZ_VALUE', `magnitudeSweep: expected sparsities and N:M patterns, got ${step.kind}`)
  }
  const dense = layers.map((layer) => {
    expectLayer(layer, `magnitudeSweep: ${layer.name}`)
    return { rows: layer.rows, columns: layer.columns, weights: layer.weights.slice() }
  })
  const points: (QualityPoint & SweepStep)[] = []
  try {
    for (const step of steps) {
      const counts = typeof step === 'number' ? countsByMagnitude(dense, step) : undefined
      let kept = 0
      let nnz = 0
      layers.forEach((layer, i) => {
        const { weights, mask } = magnitude(dense[i], counts ? { kept: counts[i] } : { pattern: step as Pattern })
        for (const flag of mask) kept += flag
        nnz += countNonZeros(weights)
        layer.set(weights)
      })
      const reached = { sparsity: 1 - kept / Math.max(1, entriesOf(dense)), nnz }
      points.push({ ...reached, quality: await evaluate(reached) })
    }
  } finally {
    layers.forEach((layer, i) => {
      layer.set(dense[i].weights)
    })
  }
  return points
}
