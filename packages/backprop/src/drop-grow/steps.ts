import { describe, rangeError } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'
import type { Random } from '../kit/random.ts'
import { area, countOf, isSubset, type Pattern, patternAt, positionsOf } from '../masks/pattern.ts'
import { highest } from '../masks/select.ts'

/** The pattern without its `count` lowest scores; `scores` has one number for each entry. */
export function dropLowest(pattern: Pattern, scores: ArrayLike<number>, count: number): Pattern {
  const entries = countOf(pattern)
  expectArguments('dropLowest', { numbers: { scores } })
  if (scores.length !== entries)
    throw rangeError('NNZ_SHAPE', `dropLowest: expected ${entries} scores, one for each entry, got ${scores.length}`)
  const positions = positionsOf(pattern)
  return patternAt(
    pattern.shape,
    highest(scores, entries - count).map((entry) => positions[entry]),
  )
}

function expectInside(pattern: Pattern, within: Pattern | undefined): void {
  if (within && !isSubset(pattern, within))
    throw rangeError('NNZ_VALUE', 'drop and grow: expected a pattern inside the one that bounds it')
}

/** Positions that are free: not in `pattern`, and in `within` if given. */
export function freePositions(pattern: Pattern, within?: Pattern): Uint32Array {
  expectInside(pattern, within)
  const taken = positionsOf(pattern)
  const allowed = within && positionsOf(within)
  const count = allowed ? allowed.length : area(pattern.shape)
  const free = new Uint32Array(count - taken.length)
  for (let i = 0, at = 0, next = 0; i < count; i++) {
    const position = allowed ? allowed[i] : i
    if (next < taken.length && taken[next] === position) next++
    else free[at++] = position
  }
  return free
}

/** The pattern with more positions, rising and none of them its own. */
export function withPositions(pattern: Pattern, grown: Uint32Array): Pattern {
  expectArguments('withPositions', { pattern: { pattern }, indices: { grown } })
  const all = new Uint32Array(countOf(pattern) + grown.length)
  all.set(positionsOf(pattern))
  all.set(grown, countOf(pattern))
  return patternAt(pattern.shape, all.sort())
}

/**
 * The pattern with the `count` free positions of the highest scores.
 *
 * @param scores one number for each place of the matrix, row-major
 * @param within positions that may be taken; default: all
 */
export function growHighest(pattern: Pattern, scores: ArrayLike<number>, count: number, within?: Pattern): Pattern {
  expectArguments('growHighest', { pattern: { pattern }, numbers: { scores } })
  if (scores.length !== area(pattern.shape)) {
    throw rangeError(
      'NNZ_SHAPE',
      `growHighest: expected ${area(pattern.shape)} scores, one for each place, got ${scores.length}`,
    )
  }
  const free = freePositions(pattern, within)
  const candidates = new Float32Array(free.length)
  for (let i = 0; i < free.length; i++) candidates[i] = scores[free[i]]
  return withPositions(
    pattern,
    highest(candidates, count).map((i) => free[i]),
  )
}

/** The pattern with `count` random free positions. */
export function growRandom(pattern: Pattern, count: number, random: Random, within?: Pattern): Pattern {
  expectArguments('growRandom', { random: { random } })
  const free = freePositions(pattern, within)
  if (count > free.length)
    throw rangeError('NNZ_VALUE', `growRandom: expected at most ${free.length} free positions, got ${describe(count)}`)
  return withPositions(
    pattern,
    random
      .sample(count, free.length)
      .map((i) => free[i])
      .sort(),
  )
}

/** How many entries a share of the kept ones is, as far as there is room to grow as many. */
export function exchanged(pattern: Pattern, fraction: number, within?: Pattern): number {
  if (!(fraction >= 0 && fraction <= 1))
    throw rangeError('NNZ_VALUE', `drop and grow: expected a fraction in 0..1, got ${describe(fraction)}`)
  expectInside(pattern, within)
  const kept = countOf(pattern)
  return Math.min(Math.floor(fraction * kept), (within ? countOf(within) : area(pattern.shape)) - kept)
}
