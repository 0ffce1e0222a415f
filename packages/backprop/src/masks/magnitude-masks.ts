import { describe, rangeError } from '@nnz/core'
import { expectArguments, listOf } from '../kit/arguments.ts'
import { area, type Pattern, patternAt, patternOfFlags } from './pattern.ts'
import { highest } from './select.ts'

function expectScores(scores: ArrayLike<number>, shape: readonly number[], name: string): void {
  expectArguments(name, { numbers: { scores, shape } })
  if (scores.length !== area(shape))
    throw rangeError('NNZ_SHAPE', `${name}: expected ${area(shape)} scores for [${shape}], got ${scores.length}`)
}

/** The `count` entries with the highest scores (of magnitudes, for magnitude pruning), row-major. */
export function highestMask(scores: ArrayLike<number>, shape: readonly number[], count: number): Pattern {
  expectScores(scores, shape, 'highestMask')
  return patternAt(shape, highest(scores, count))
}

/** One matrix among several that are pruned together. */
export interface Scored {
  readonly shape: readonly number[]
  /** One score for each place, row-major. */
  readonly scores: ArrayLike<number>
}

/** The `count` highest scores over all layers together: global pruning. */
export function globalMasks(layers: readonly Scored[], count: number): Pattern[] {
  for (const { scores, shape } of listOf('object', layers, 'layers', 'globalMasks'))
    expectScores(scores, shape, 'globalMasks')
  const all = new Float32Array(layers.reduce((sum, { scores }) => sum + scores.length, 0))
  let offset = 0
  for (const { scores } of layers) {
    all.set(scores, offset)
    offset += scores.length
  }
  const chosen = highest(all, count)
  let at = 0
  let begin = 0
  return layers.map(({ shape, scores }) => {
    const from = at
    while (at < chosen.length && chosen[at] < begin + scores.length) at++
    const positions = chosen.slice(from, at).map((position) => position - begin)
    begin += scores.length
    return patternAt(shape, positions)
  })
}

/**
 * Of every `m` neighbours in a row the `n` highest scores; a shorter last group keeps at most `n`.
 *
 * @throws RangeError unless 0 <= n <= m
 */
export function nmMask(scores: ArrayLike<number>, shape: readonly number[], n: number, m: number): Pattern {
  expectScores(scores, shape, 'nmMask')
  if (!(Number.isInteger(n) && Number.isInteger(m) && n >= 0 && n <= m && m > 0))
    throw rangeError('NNZ_VALUE', `nmMask: expected whole numbers 0 <= n <= m, got ${describe(n)} and ${describe(m)}`)
  const [rows, columns] = shape
  const kept = new Uint8Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += m) {
      const begin = row * columns + column
      const group = Array.from({ length: Math.min(m, columns - column) }, (_, i) => scores[begin + i])
      for (const i of highest(group, Math.min(n, group.length))) kept[begin + i] = 1
    }
  }
  return patternOfFlags(shape, kept)
}

/**
 * Whole blocks, the `count` ones with the highest sum of scores. Blocks at the right and lower edges may be cut.
 *
 * @returns the pattern of all their entries, as `bsr.fromCsr` takes it
 */
export function blockMask(
  scores: ArrayLike<number>,
  shape: readonly number[],
  blockShape: readonly [number, number],
  count: number,
): Pattern {
  expectScores(scores, shape, 'blockMask')
  const [rows, columns] = shape
  expectArguments('blockMask', { numbers: { blockShape } })
  const [height, width] = blockShape
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0))
    throw rangeError('NNZ_SHAPE', `blockMask: expected blocks of at least 1x1, got [${blockShape.join(', ')}]`)
  const across = Math.ceil(columns / width)
  const block = (i: number) => Math.floor(Math.floor(i / columns) / height) * across + Math.floor((i % columns) / width)
  const sums = new Float64Array(Math.ceil(rows / height) * across)
  for (let i = 0; i < rows * columns; i++) sums[block(i)] += scores[i]
  const kept = new Uint8Array(sums.length)
  for (const i of highest(sums, count)) kept[i] = 1
  return patternOfFlags(
    shape,
    Uint8Array.from({ length: rows * columns }, (_, i) => kept[block(i)]),
  )
}
