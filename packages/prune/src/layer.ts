import { describe, rangeError, typeError } from '@nnz/core'
import type { LayerWeights, PrunedLayer } from './network.ts'

/**
 * Checks the weights of a layer.
 *
 * @throws TypeError if they are no Float32Array
 * @throws RangeError if their number does not fit, or one is not finite
 */
export function expectLayer({ weights, rows, columns }: LayerWeights, name: string): void {
  if (!(weights instanceof Float32Array))
    throw typeError('NNZ_TYPE', `${name}: expected weights to be a Float32Array, got ${describe(weights)}`)
  if (![rows, columns].every((extent) => Number.isInteger(extent) && extent >= 0))
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected whole rows and columns, got ${describe(rows)} and ${describe(columns)}`,
    )
  if (weights.length !== rows * columns)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: [${rows}, ${columns}] takes ${rows * columns} weights, got ${weights.length}`,
    )
  for (let i = 0; i < weights.length; i++) {
    if (Number.isFinite(weights[i])) continue
    throw rangeError(
      'NNZ_VALUE',
      `${name}: row ${Math.floor(i / columns)}, column ${i % columns}: expected a finite weight, got ${weights[i]}`,
    )
  }
}

/** The weights that a mask keeps, bit by bit as they are, and 0 elsewhere. */
export function masked(weights: Float32Array, mask: Uint8Array): PrunedLayer {
  const result = new Float32Array(weights.length)
  for (let i = 0; i < result.length; i++) if (mask[i] !== 0) result[i] = weights[i]
  return { weights: result, mask }
}

/** How many ones a mask has. */
export function countKept(mask: Uint8Array): number {
  let count = 0
  for (let i = 0; i < mask.length; i++) count += mask[i]
  return count
}

/** How many weights are not zero. */
export function countNonZeros(weights: Float32Array): number {
  let count = 0
  for (let i = 0; i < weights.length; i++) if (weights[i] !== 0) count++
  return count
}
