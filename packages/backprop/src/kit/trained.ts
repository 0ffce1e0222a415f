import { describe, rangeError } from '@nnz/core'
import { expectArguments } from './arguments.ts'

/**
 * Which elements of a parameter are trained. `rows` and `columns` are those of a dense matrix, `entries` are indices of
 * stored elements; all rise.
 */
export type Trained =
  | { readonly what: 'all' }
  | { readonly what: 'nothing' }
  | { readonly what: 'rows' | 'columns' | 'entries'; readonly indices: Uint32Array }

/** The index of each trained element among the stored ones, in the order of the gradient; undefined for all. */
export function trainedPlaces(
  trained: Trained,
  shape: readonly number[],
  sparse: boolean,
  stored: number,
  name: string,
): Uint32Array | undefined {
  expectArguments(name, { object: { trained } })
  if (trained.what === 'all') return undefined
  if (trained.what === 'nothing') return new Uint32Array(0)
  const { what, indices } = trained
  if (!['rows', 'columns', 'entries'].includes(what))
    throw rangeError(
      'NNZ_VALUE',
      `${name}: expected to train all, nothing, rows, columns or entries, got ${describe(what)}`,
    )
  expectArguments(name, { indices: { indices } })
  const [rows, columns] = shape
  if (what !== 'entries' && (sparse || shape.length !== 2))
    throw rangeError('NNZ_SHAPE', `${name}: ${what} are chosen of a dense matrix; of this parameter choose entries`)
  const limit = what === 'rows' ? rows : what === 'columns' ? columns : stored
  indices.forEach((index, i) => {
    if (index >= limit || (i > 0 && index <= indices[i - 1]))
      throw rangeError('NNZ_VALUE', `${name}: expected rising ${what} below ${limit}, got ${index} at ${i}`)
  })
  if (what === 'entries') return indices
  const n = indices.length
  return what === 'rows'
    ? Uint32Array.from({ length: n * columns }, (_, i) => indices[Math.floor(i / columns)] * columns + (i % columns))
    : Uint32Array.from({ length: n * rows }, (_, i) => Math.floor(i / n) * columns + indices[i % n])
}
