import { describe, typeError } from '@nnz/core'
import type { BlockMask, MaskShape } from '../mask/block-mask.ts'
import { pattern } from '../patterns/pattern.ts'

/** The keys that a query sees: `low <= key < high`. */
export type KeyRange = (query: number) => readonly [low: number, high: number]

/**
 * A mask for all heads in which each query sees one run of keys: causal, windows, stairs. Blocks that no end of a run crosses
 * cost nothing.
 *
 * @param range neither end may fall from one query to the next
 * @throws TypeError if `range` is not a function
 * @throws RangeError if a size is out of range
 */
export function rangeMask(range: KeyRange, shape: Omit<MaskShape, 'heads'>): BlockMask {
  if (typeof range !== 'function')
    throw typeError('NNZ_TYPE', `rangeMask: expected a function query => [low, high], got ${describe(range)}`)
  return pattern(shape, 'rangeMask', (row) => {
    row.band(
      (position) => range(position - row.offset)[0],
      (position) => range(position - row.offset)[1],
    )
  })
}
