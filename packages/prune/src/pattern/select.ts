import { describe, rangeError, typeError } from '@nnz/core'
import { type Pattern, type Units, unitsOf } from './pattern.ts'
import { expectScores, markHighest } from './threshold.ts'

/** Among what scores are compared: the whole layer, or each row (each row of units) for itself. */
export type Scope = 'layer' | 'row'

/** Options of {@link selectMask}. */
export interface SelectOptions {
  /** Where zeros may lie. */
  readonly pattern: Pattern
  /**
   * How many entries are kept, 0..rows · columns. Of blocks and vectors the same share of units is kept, to the nearest
   * whole number. `nm` and `grouped-nm` fix their number themselves and ignore it.
   */
  readonly kept: number
  /** Default: `layer`. With `row` the rows' numbers differ by at most one. */
  readonly scope?: Scope | undefined
}

/** A matrix of units, each with its score. */
interface UnitScores extends Units {
  readonly down: number
  readonly across: number
  readonly scores: Float32Array
}

/**
 * The mask with the highest scores that a pattern allows. The score of a unit of several entries is the root of the sum of
 * their squares. Of equal scores the first in row-major order are kept, so that the mask depends on the scores alone.
 *
 * @param scores one finite number from 0 on for each entry, [rows, columns], row-major
 * @returns 1 for each entry that is kept, else 0
 * @throws TypeError if scores are no Float32Array or the pattern is none
 * @throws RangeError if a score, a number of the pattern, the length of the scores or `kept` is out of range
 */
export function selectMask(scores: Float32Array, rows: number, columns: number, options: SelectOptions): Uint8Array {
  const { pattern, kept, scope = 'layer' } = options
  const units = unitsOf(pattern, 'selectMask')
  if (!(scores instanceof Float32Array))
    throw typeError('NNZ_TYPE', `selectMask: expected scores to be a Float32Array, got ${describe(scores)}`)
  if (scores.length !== rows * columns)
    throw rangeError(
      'NNZ_SHAPE',
      `selectMask: expected ${rows * columns} scores for [${rows}, ${columns}], got ${scores.length}`,
    )
  if (scope !== 'layer' && scope !== 'row')
    throw rangeError('NNZ_VALUE', `selectMask: expected scope to be "layer" or "row", got ${describe(scope)}`)
  expectScores(scores, columns, 'selectMask: scores')
  const matrix = unitScores(scores, rows, columns, units)
  const mask = new Uint8Array(matrix.scores.length)
  if (units.nm) markGroups(matrix, units.nm, mask)
  else markCount(matrix, unitsKept(rows, columns, pattern, kept), scope, mask)
  return expanded(mask, rows, columns, matrix)
}

/**
 * How many units of a pattern stand for so many kept entries of a layer.
 *
 * @throws RangeError if `kept` is not a whole number in 0..rows · columns
 */
export function unitsKept(rows: number, columns: number, pattern: Pattern, kept: number): number {
  if (!Number.isInteger(kept) || kept < 0 || kept > rows * columns)
    throw rangeError('NNZ_VALUE', `expected kept to be a whole number in 0..${rows * columns}, got ${describe(kept)}`)
  const { height, width, nm } = unitsOf(pattern, 'unitsKept')
  const down = Math.ceil(rows / height)
  if (nm) return down * (Math.floor(columns / nm.m) * nm.n + Math.min(columns % nm.m, nm.n))
  if (kept === 0) return 0
  return Math.round((down * Math.ceil(columns / width) * kept) / (rows * columns))
}

function unitScores(scores: Float32Array, rows: number, columns: number, units: Units): UnitScores {
  const { height, width } = units
  const down = Math.ceil(rows / height)
  const across = Math.ceil(columns / width)
  if (height === 1 && width === 1) return { ...units, down, across, scores }
  const roots = new Float32Array(down * across)
  const sums = new Float64Array(across)
  for (let unitRow = 0; unitRow < down; unitRow++) {
    sums.fill(0)
    for (let row = unitRow * height; row < Math.min(unitRow * height + height, rows); row++) {
      for (let unit = 0, i = row * columns; unit < across; unit++) {
        for (const end = Math.min(row * columns + (unit + 1) * width, (row + 1) * columns); i < end; i++)
          sums[unit] += scores[i] * scores[i]
      }
    }
    for (let unit = 0; unit < across; unit++) roots[unitRow * across + unit] = Math.sqrt(sums[unit])
  }
  return { ...units, down, across, scores: roots }
}

/** Of every m neighbours the n highest; a shorter last group keeps at most n. */
function markGroups({ down, across, scores }: UnitScores, { n, m }: { n: number; m: number }, mask: Uint8Array): void {
  for (let row = 0; row < down; row++) {
    const end = (row + 1) * across
    for (let begin = row * across; begin < end; begin += m) {
      const stop = Math.min(begin + m, end)
      for (let count = Math.min(n, stop - begin); count > 0; count--) {
        let best = -1
        for (let i = begin; i < stop; i++) if (mask[i] === 0 && (best < 0 || scores[i] > scores[best])) best = i
        mask[best] = 1
      }
    }
  }
}

function markCount({ down, across, scores }: UnitScores, count: number, scope: Scope, mask: Uint8Array): void {
  if (scope === 'layer') {
    markHighest(scores, 0, scores.length, count, mask)
    return
  }
  for (let row = 0; row < down; row++) {
    const own = Math.floor(((row + 1) * count) / down) - Math.floor((row * count) / down)
    markHighest(scores, row * across, (row + 1) * across, own, mask)
  }
}

/** The mask of entries for one of units. */
function expanded(mask: Uint8Array, rows: number, columns: number, { height, width, across }: UnitScores): Uint8Array {
  if (height === 1 && width === 1) return mask
  const entries = new Uint8Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    const top = Math.floor(row / height) * across
    for (let unit = 0; unit < across; unit++) {
      if (mask[top + unit] === 0) continue
      entries.fill(1, row * columns + unit * width, row * columns + Math.min((unit + 1) * width, columns))
    }
  }
  return entries
}
