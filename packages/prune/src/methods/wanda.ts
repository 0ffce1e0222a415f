import { describe, rangeError, typeError } from '@nnz/core'
import { expectLayer, masked } from '../layer.ts'
import type { LayerWeights, PrunedLayer } from '../network.ts'
import { selectMask } from '../pattern/select.ts'
import type { LayerStatistics } from '../statistics/collector.ts'
import { type MaskOptions, maskOptions } from './options.ts'

/** What Wanda knows of a layer's inputs: the sum of squares of each. */
export type InputNorms = Pick<LayerStatistics, 'squaredNorms'>

/** |weight| times the norm of its input: what the output loses if a weight is removed alone. */
export function wandaScores({ weights, rows, columns }: LayerWeights, { squaredNorms }: InputNorms): Float32Array {
  const norms = Float64Array.from(squaredNorms, Math.sqrt)
  const scores = new Float32Array(weights.length)
  for (let row = 0, i = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, i++) scores[i] = Math.abs(weights[i]) * norms[column]
  return scores
}

/**
 * Keeps the weights with the largest product of magnitude and norm of their input, as they are, each row for itself
 * (Wanda, arXiv 2306.11695).
 *
 * @param options scope is `row` by default, as in the paper
 * @throws TypeError or RangeError if the layer, the norms, the pattern or the sparsity is none
 */
export function wanda(layer: LayerWeights, statistics: InputNorms, options: MaskOptions): PrunedLayer {
  expectLayer(layer, 'wanda')
  const { pattern, kept } = maskOptions(layer, options, 'wanda')
  expectInputs(statistics?.squaredNorms, layer.columns, 'wanda: squaredNorms')
  const { weights, rows, columns } = layer
  const scores = wandaScores(layer, statistics)
  return masked(weights, selectMask(scores, rows, columns, { pattern, kept, scope: options.scope ?? 'row' }))
}

/** Checks that there is one number for each input. */
export function expectInputs(values: ArrayLike<number> | undefined, columns: number, name: string): void {
  if (typeof values !== 'object' || values === null)
    throw typeError('NNZ_TYPE', `${name}: expected an array of numbers, got ${describe(values)}`)
  if (values.length !== columns)
    throw rangeError('NNZ_SHAPE', `${name}: expected ${columns} numbers, one for each input, got ${values.length}`)
}
