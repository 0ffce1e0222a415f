import { rangeError } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'
import { apportion } from '../masks/apportion.ts'
import { area, countOf, type Pattern } from '../masks/pattern.ts'
import { magnitudes } from '../masks/select.ts'
import { expectKept, type Kept } from './methods.ts'
import { dropLowest, exchanged, growHighest } from './steps.ts'

/** A layer for {@link sparseMomentum}. */
export interface MomentumLayer extends Kept {
  /** Momentum of the whole matrix, row-major, zeros included. */
  readonly momentum: ArrayLike<number>
}

/** Mean magnitude of the momentum of the kept entries: a layer's claim to the entries that are freed. */
export function meanMomentum(layer: MomentumLayer): number {
  const { pattern, momentum } = expectKept(layer, 'sparseMomentum')
  expectArguments('sparseMomentum', { numbers: { momentum } })
  const { shape, rowOffsets, columnIndices } = pattern
  if (momentum.length !== area(shape))
    throw rangeError('NNZ_SHAPE', `sparseMomentum: expected ${area(shape)} momenta, got ${momentum.length}`)
  let sum = 0
  for (let row = 0; row < shape[0]; row++) {
    for (let i = rowOffsets[row]; i < rowOffsets[row + 1]; i++)
      sum += Math.abs(momentum[row * shape[1] + columnIndices[i]])
  }
  return sum / Math.max(1, countOf(pattern))
}

/**
 * Sparse momentum (Dettmers and Zettlemoyer, "Sparse networks from scratch", arXiv 1907.04840): every layer drops its
 * smallest magnitudes; what is freed goes to the layers in proportion to the mean magnitude of their momentum; each
 * grows the zeros with the largest momentum. The count over all layers stays.
 */
export function sparseMomentum(layers: readonly MomentumLayer[], fraction: number): Pattern[] {
  expectArguments('sparseMomentum', { array: { layers } })
  for (const layer of layers) expectKept(layer, 'sparseMomentum')
  const dropped = layers.map(({ pattern }) => exchanged(pattern, fraction))
  const rest = layers.map(({ pattern, values }, i) => dropLowest(pattern, magnitudes(values), dropped[i]))
  const grown = apportion(
    dropped.reduce((sum, count) => sum + count, 0),
    layers.map(meanMomentum),
    rest.map((pattern) => area(pattern.shape) - countOf(pattern)),
  )
  return rest.map((pattern, i) => growHighest(pattern, magnitudes(layers[i].momentum), grown[i]))
}
