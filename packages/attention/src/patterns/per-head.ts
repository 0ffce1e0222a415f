import { describe, rangeError, typeError } from '@nnz/core'
import { type BlockMask, blockRows, elementWords, expectBlockMask, FULL } from '../mask/block-mask.ts'
import { BlockWriter } from '../mask/block-writer.ts'

/**
 * A mask whose head h is head h of `masks[h]`, or the one head that it has: heads of different patterns, as in Sparse Transformer
 * (arXiv 1904.10509) or MInference (arXiv 2407.02490).
 *
 * @param masks as many as the result has heads, of one size
 * @throws TypeError if one is no mask
 * @throws RangeError if sizes differ, or a mask has other heads than 1 or the result's
 */
export function perHead(masks: readonly BlockMask[]): BlockMask {
  const name = 'patterns.perHead'
  if (!Array.isArray(masks)) throw typeError('NNZ_TYPE', `${name}: expected masks, got ${describe(masks)}`)
  if (masks.length === 0) throw rangeError('NNZ_SHAPE', `${name}: expected a mask for each head, got none`)
  const checked = masks.map((mask, head) => expectBlockMask(mask, `${name}: mask ${head}`))
  const describeSize = ({ rows, columns, blockShape }: BlockMask) =>
    `${rows}x${columns} in blocks of ${blockShape.join('x')}`
  const [first] = checked
  const heads = checked.length
  const writer = new BlockWriter({ ...first, heads })
  checked.forEach((mask, head) => {
    if (describeSize(mask) !== describeSize(first))
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: expected masks of one size, got ${describeSize(first)} and ${describeSize(mask)}`,
      )
    if (mask.heads !== 1 && mask.heads !== heads)
      throw rangeError('NNZ_SHAPE', `${name}: mask ${head} has ${mask.heads} heads, expected 1 or ${heads}`)
    writeHead(writer, mask, mask.heads === 1 ? 0 : head)
  })
  return writer.finish()
}

/** Writes the block rows of one head of a mask. */
export function writeHead(writer: BlockWriter, mask: BlockMask, head: number): void {
  const { rowOffsets, columnIndices, partialIndices, elements } = mask
  const words = elementWords(mask.blockShape)
  const from = head * blockRows(mask)
  for (let row = from; row < from + blockRows(mask); row++) {
    for (let block = rowOffsets[row]; block < rowOffsets[row + 1]; block++) {
      const partial = partialIndices[block]
      if (partial === FULL) writer.add(columnIndices[block])
      else writer.add(columnIndices[block], writer.number(elements.subarray(partial * words, (partial + 1) * words)))
    }
    writer.endRow()
  }
}
