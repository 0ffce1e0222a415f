import { describe, rangeError } from '@nnz/core'
import { listOf } from '../kit/arguments.ts'
import { apportion } from './apportion.ts'

/**
 * How kept entries are divided among layers:
 * - `uniform`: one density for all;
 * - `erdos-renyi`: density in proportion to (in + out) / (in · out) (SET, Mocanu et al., arXiv 1707.04780);
 * - `erk`: Erdős–Rényi-Kernel (RigL, Evci et al., arXiv 1911.11134): for convolutions the kernel's extents join both
 *   sums and products; the same as `erdos-renyi` for matrices.
 */
export type Allocation = 'uniform' | 'erdos-renyi' | 'erk'

/** [outputs, inputs] of a matrix, or [outputs, inputs, height, width] of a convolution. */
export type LayerShape = readonly number[]

function sizeOf(shape: LayerShape): number {
  if (!shape.every((extent) => Number.isInteger(extent) && extent > 0) || shape.length < 2)
    throw rangeError('NNZ_SHAPE', `allocate: expected shapes such as [outputs, inputs], got [${shape.join(', ')}]`)
  return shape.reduce((product, extent) => product * extent, 1)
}

/** Entries per place before the common factor. */
function rawDensity(shape: LayerShape, rule: Allocation): number {
  if (rule === 'uniform') return 1
  const extents = rule === 'erk' ? shape : shape.slice(0, 2)
  const sum = extents.reduce((total, extent) => total + extent, 0)
  return sum / extents.reduce((product, extent) => product * extent, 1)
}

/**
 * How many entries each layer keeps. Their sum is exactly `round(density · places)`; a layer whose share would exceed
 * its places is dense and the others share what is left.
 *
 * @param density share of kept entries over all layers, 0..1
 * @throws RangeError if the density or a shape is out of range
 */
export function allocate(shapes: readonly LayerShape[], density: number, rule: Allocation): number[] {
  if (!(density >= 0 && density <= 1))
    throw rangeError('NNZ_VALUE', `allocate: expected a density in 0..1, got ${describe(density)}`)
  if (!['uniform', 'erdos-renyi', 'erk'].includes(rule))
    throw rangeError('NNZ_VALUE', `allocate: expected uniform, erdos-renyi or erk, got ${describe(rule)}`)
  const sizes = listOf('numbers', shapes, 'shapes', 'allocate').map(sizeOf)
  const total = Math.round(density * sizes.reduce((sum, size) => sum + size, 0))
  return apportion(
    total,
    shapes.map((shape, i) => rawDensity(shape, rule) * sizes[i]),
    sizes,
  )
}

/**
 * How much wider a randomly pruned network has to be to hold a target network of full width: a factor of
 * 1 / log(1 / sparsity) (Gadhikar et al., "Why random pruning is all we need to start sparse", arXiv 2210.02412).
 *
 * @param sparsity share of zeros, strictly between 0 and 1
 */
export function randomMaskWidthFactor(sparsity: number): number {
  if (!(sparsity > 0 && sparsity < 1))
    throw rangeError('NNZ_VALUE', `randomMaskWidthFactor: expected a sparsity between 0 and 1, got ${sparsity}`)
  return 1 / Math.log(1 / sparsity)
}
