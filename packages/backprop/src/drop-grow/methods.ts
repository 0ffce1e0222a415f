import { describe, rangeError } from '@nnz/core'
import type { Random } from '../kit/random.ts'
import { countOf, type Pattern } from '../masks/pattern.ts'
import { magnitudes } from '../masks/select.ts'
import { dropLowest, exchanged, growHighest, growRandom } from './steps.ts'

/** A sparse matrix whose pattern is to change. */
export interface Kept {
  readonly pattern: Pattern
  /** One value for each entry. */
  readonly values: ArrayLike<number>
}

/** Options of one update. */
export interface Exchange {
  /** Share of the kept entries that is exchanged, 0..1. */
  readonly fraction: number
  /** Positions that may be kept, for training inside a fixed source mask. Default: all. */
  readonly within?: Pattern
}

/** SET: drops the smallest magnitudes, grows at random (Mocanu et al., arXiv 1707.04780). */
export function set({ pattern, values }: Kept, random: Random, { fraction, within }: Exchange): Pattern {
  const count = exchanged(pattern, fraction, within)
  return growRandom(dropLowest(pattern, magnitudes(values), count), count, random, within)
}

/**
 * RigL: drops the smallest magnitudes, grows the largest gradients (Evci et al., arXiv 1911.11134). An entry that was
 * just dropped may come back, with its value.
 *
 * @param gradient of the whole matrix, row-major, zeros included
 */
export function rigl({ pattern, values }: Kept, gradient: ArrayLike<number>, { fraction, within }: Exchange): Pattern {
  const count = exchanged(pattern, fraction, within)
  return growHighest(dropLowest(pattern, magnitudes(values), count), magnitudes(gradient), count, within)
}

/** Options of {@link dstEe}. */
export interface Exploration extends Exchange {
  /** For each place, at how many updates it was kept so far; {@link countKept} keeps it. */
  readonly timesKept: ArrayLike<number>
  /** Number of this update, from 1 on. */
  readonly update: number
  /** Weight of exploration; 0 is RigL. */
  readonly coefficient: number
  /** Added to `timesKept`. Default: 1e-3. */
  readonly epsilon?: number
}

/**
 * DST-EE: grows by |gradient| + coefficient · ln(update) / (timesKept + epsilon) (Huang et al., "Dynamic sparse training
 * via balancing the exploration-exploitation trade-off", arXiv 2211.16667).
 */
export function dstEe(kept: Kept, gradient: ArrayLike<number>, options: Exploration): Pattern {
  const { timesKept, update, coefficient, epsilon = 1e-3 } = options
  if (!(update >= 1 && coefficient >= 0 && epsilon > 0) || timesKept.length !== gradient.length)
    throw rangeError(
      'NNZ_VALUE',
      `dstEe: expected update >= 1, coefficient >= 0, epsilon > 0 and ${gradient.length} counts, got ${describe(update)}, ${describe(coefficient)}, ${describe(epsilon)} and ${timesKept.length}`,
    )
  const bonus = coefficient * Math.log(update)
  return rigl(
    kept,
    Float32Array.from(gradient, (slope, i) => Math.abs(slope) + bonus / (timesKept[i] + epsilon)),
    options,
  )
}

/** Adds one to the count of each kept place: what {@link dstEe} reads. */
export function countKept(timesKept: Uint32Array, { shape, rowOffsets, columnIndices }: Pattern): void {
  for (let row = 0; row < shape[0]; row++) {
    for (let i = rowOffsets[row]; i < rowOffsets[row + 1]; i++) timesKept[row * shape[1] + columnIndices[i]]++
  }
}

/** Options of {@link graNet}. */
export interface Regeneration {
  /** Entries after the update: the schedule's. */
  readonly target: number
  /** Share of the entries left by pruning that is pruned besides and grown again. */
  readonly fraction: number
  readonly within?: Pattern
}

/**
 * GraNet: prunes to the schedule's count by magnitude, then prunes a share more and regenerates as many by |gradient|
 * (Liu et al., "Sparse training via boosting pruning plasticity with neuroregeneration", arXiv 2106.10404).
 */
export function graNet(
  { pattern, values }: Kept,
  gradient: ArrayLike<number>,
  { target, fraction, within }: Regeneration,
): Pattern {
  const kept = countOf(pattern)
  if (!(Number.isInteger(target) && target >= 0 && target <= kept))
    throw rangeError('NNZ_VALUE', `graNet: expected a target in 0..${kept}, got ${describe(target)}`)
  const scores = magnitudes(values)
  const regenerated = exchanged(dropLowest(pattern, scores, kept - target), fraction, within)
  const pruned = dropLowest(pattern, scores, kept - target + regenerated)
  return growHighest(pruned, magnitudes(gradient), regenerated, within)
}
