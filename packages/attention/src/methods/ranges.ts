import { rangeError } from '@nnz/core'
import { type BlockMask, blockColumns, blockRows, expectMaskShape, type MaskShape } from '../mask/block-mask.ts'
import { blockExtent, MaskBuilder } from '../mask/builder.ts'

/** The keys that a query sees: `low <= key < high`. */
export type KeyRange = (query: number) => readonly [low: number, high: number]

/**
 * A mask for all heads in which each query sees one run of keys: causal, windows, stairs. Pairs are looked at only in blocks
 * that an end of a run crosses.
 *
 * @throws RangeError if a size is out of range or a range is not made of numbers
 */
export function rangeMask(range: KeyRange, shape: Omit<MaskShape, 'heads'>): BlockMask {
  const size = expectMaskShape(shape, 'rangeMask')
  const [queries, keys] = size.blockShape
  const words = Math.ceil(keys / 32)
  const builder = new MaskBuilder(size)
  for (let row = 0; row < blockRows(size); row++) {
    const [height] = blockExtent(size, row, 0)
    const ranges = Array.from({ length: height }, (_, i) => range(row * queries + i))
    if (ranges.some(([low, high]) => Number.isNaN(low) || Number.isNaN(high)))
      throw rangeError('NNZ_VALUE', `rangeMask: expected [low, high] of block row ${row} to be numbers`)
    const kept = ranges.filter(([low, high]) => low < high)
    const first = kept.reduce((least, [low]) => Math.min(least, low), size.columns)
    const last = kept.reduce((most, [, high]) => Math.max(most, high), 0)
    const begin = Math.max(0, Math.floor(first / keys))
    for (let column = begin; column < Math.min(blockColumns(size), Math.ceil(last / keys)); column++) {
      const [, width] = blockExtent(size, row, column)
      const base = column * keys
      if (ranges.every(([low, high]) => low <= base && high >= base + width)) {
        builder.addFull(column)
        continue
      }
      ranges.forEach(([low, high], i) => {
        for (let j = Math.max(0, low - base); j < Math.min(width, high - base); j++)
          builder.elements[i * words + (j >>> 5)] |= 1 << (j & 31)
      })
      builder.addElements(column)
    }
    builder.endRow()
  }
  return builder.finish()
}
