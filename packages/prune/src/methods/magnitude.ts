import { expectLayer, masked } from '../layer.ts'
import type { LayerWeights, PrunedLayer } from '../network.ts'
import { selectMask } from '../pattern/select.ts'
import { type MaskOptions, maskOptions } from './options.ts'

/** Absolute values. */
export function magnitudesOf(weights: Float32Array): Float32Array {
  const magnitudes = new Float32Array(weights.length)
  for (let i = 0; i < magnitudes.length; i++) magnitudes[i] = Math.abs(weights[i])
  return magnitudes
}

/**
 * Keeps the weights with the largest magnitudes, as they are (Zhu & Gupta, arXiv 1710.01878, without the schedule, which
 * is `cubic` of `@nnz/backprop/kit`). No data is needed. Over several layers together: `pruneNetwork` with the allocation
 * `global`.
 *
 * @param options scope is `layer` by default
 * @throws TypeError or RangeError if the layer, the pattern or the sparsity is none
 */
export function magnitude(layer: LayerWeights, options: MaskOptions): PrunedLayer {
  expectLayer(layer, 'magnitude')
  const { pattern, kept } = maskOptions(layer, options, 'magnitude')
  const { weights, rows, columns } = layer
  return masked(weights, selectMask(magnitudesOf(weights), rows, columns, { pattern, kept, scope: options.scope }))
}
