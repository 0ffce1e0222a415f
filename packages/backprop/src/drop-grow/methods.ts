import { describe, rangeError } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'
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

/** Checks the parts of a matrix whose pattern is to change. */
export function expectKept<K extends Kept>(kept: K, name: string): K {
  expectArguments(name, { object: { kept } })
  expectArguments(name, { pattern: { 'kept.pattern': kept.pattern }, numbers: { 'kept.values': kept.values } })
  return kept
}

/** Options of one update. */
export interface Exchange {
  /** Share of the kept entries that is exchanged, 0..1. */
  readonly fraction: number
  /** Positions that may be kept, for training inside a fixed source mask. Default: all. */
  readonly within?: Pattern
}

/** SET: drops the smallest magnitudes, grows at random (Mocanu et al., arXiv 1707.04780). */
export function set(kept: Kept, random: Random, options: Exchange): Pattern {
  expectArguments('set', { random: { random }, object: { options } })
  const { pattern, values } = expectKept(kept, 'set')
  const { fraction, within } = options
  const count = exchanged(pattern, fraction, within)
  return growRandom(dropLowest(pattern, magnitudes(values), count), count, random, within)
}

/**
 * RigL: drops the smallest magnitudes, grows the largest gradients (Evci et al., arXiv 1911.11134). An entry that was
 * just dropped may come back, with its value.
 *
 * @param gradient of the whole matrix, row-major, zeros included
 */
export function rigl(kept: Kept, gradient: ArrayLike<number>, options: Exchange): Pattern {
  expectArguments('rigl', { numbers: { gradient }, object: { options } })
  const { pattern, values } = expectKept(kept, 'rigl')
  const { fraction, within } = options
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
  expectArguments('dstEe', { numbers: { gradient }, object: { options } })
  expectArguments('dstEe', { numbers: { timesKept: options.timesKept } })
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
export function countKept(timesKept: Uint32Array, pattern: Pattern): void {
  expectArguments('countKept', { indices: { timesKept }, pattern: { pattern } })
  const { shape, rowOffsets, columnIndices } = pattern
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
export function graNet(kept: Kept, gradient: ArrayLike<number>, options: Regeneration): Pattern {
  expectArguments('graNet', { numbers: { gradient }, object: { options } })
  const { pattern, values } = expectKept(kept, 'graNet')
  const { target, fraction, within } = options
  const entries = countOf(pattern)
  if (!(Number.isInteger(target) && target >= 0 && target <= entries))
    throw rangeError('NNZ_VALUE', `graNet: expected a target in 0..${entries}, got ${describe(target)}`)
  const scores = magnitudes(values)
  const regenerated = exchanged(dropLowest(pattern, scores, entries - target), fraction, within)
  const pruned = dropLowest(pattern, scores, entries - target + regenerated)
  return growHighest(pruned, magnitudes(gradient), regenerated, within)
}
