import { describe, rangeError, typeError } from '@nnz/core'
import {
  type BlockMask,
  blockColumns,
  blockRows,
  elementWords,
  expectBlockMask,
  expectMaskShape,
  FULL,
  type MaskShape,
} from './block-mask.ts'
import { blockExtent, MaskBuilder } from './builder.ts'
import { isArrayLike } from './checks.ts'

/** Says of a query-key pair whether it is kept: the `mask_mod` of FlexAttention (arXiv 2412.05496). */
export type MaskPredicate = (head: number, query: number, key: number) => boolean

/**
 * A mask of the pairs for which the predicate holds. It is asked once for each pair; a predicate that does not look at the
 * head makes a mask for all heads with `heads: 1`.
 *
 * @throws TypeError if `predicate` is not a function
 */
export function fromPredicate(predicate: MaskPredicate, shape: MaskShape): BlockMask {
  if (typeof predicate !== 'function')
    throw typeError(
      'NNZ_TYPE',
      `blockMask.fromPredicate: expected a function (head, query, key) => boolean, got ${describe(predicate)}`,
    )
  const size = expectMaskShape(shape, 'blockMask.fromPredicate')
  const [queries, keys] = size.blockShape
  const words = Math.ceil(keys / 32)
  const builder = new MaskBuilder(size)
  for (let head = 0; head < size.heads; head++) {
    for (let row = 0; row < blockRows(size); row++) {
      for (let column = 0; column < blockColumns(size); column++) {
        const [height, width] = blockExtent(size, row, column)
        for (let i = 0; i < height; i++) {
          for (let j = 0; j < width; j++) {
            if (predicate(head, row * queries + i, column * keys + j))
              builder.elements[i * words + (j >>> 5)] |= 1 << (j & 31)
          }
        }
        builder.addElements(column)
      }
      builder.endRow()
    }
  }
  return builder.finish()
}

/**
 * A mask of the pairs whose entry is not zero (or false).
 *
 * @param dense [heads, rows, columns], row-major
 * @throws RangeError if `dense` does not have that many entries
 */
export function fromDense(dense: ArrayLike<number | boolean>, shape: MaskShape): BlockMask {
  const { heads, rows, columns } = expectMaskShape(shape, 'blockMask.fromDense')
  if (!isArrayLike(dense)) throw typeError('NNZ_TYPE', `blockMask.fromDense: expected an array, got ${describe(dense)}`)
  if (dense.length !== heads * rows * columns)
    throw rangeError(
      'NNZ_SHAPE',
      `blockMask.fromDense: data has ${dense.length} entries, expected ${heads * rows * columns} for [${heads}, ${rows}, ${columns}]`,
    )
  return fromPredicate((head, query, key) => Boolean(dense[(head * rows + query) * columns + key]), shape)
}

/** Calls `visit` for each kept block, with the first word of its element mask (undefined for full blocks). */
export function forEachBlock(
  mask: BlockMask,
  visit: (head: number, blockRow: number, blockColumn: number, words: number | undefined) => void,
): void {
  const perHead = blockRows(mask)
  const size = elementWords(mask.blockShape)
  for (let row = 0; row < mask.heads * perHead; row++) {
    for (let block = mask.rowOffsets[row]; block < mask.rowOffsets[row + 1]; block++) {
      const partial = mask.partialIndices[block]
      visit(
        Math.floor(row / perHead),
        row % perHead,
        mask.columnIndices[block],
        partial === FULL ? undefined : partial * size,
      )
    }
  }
}

/** The mask as bytes (0 or 1), [heads, rows, columns], row-major. */
export function toDense(mask: BlockMask): Uint8Array {
  const { heads, rows, columns, blockShape, elements } = expectBlockMask(mask, 'blockMask.toDense')
  const dense = new Uint8Array(heads * rows * columns)
  const words = Math.ceil(blockShape[1] / 32)
  forEachBlock(mask, (head, blockRow, blockColumn, first) => {
    const [height, width] = blockExtent(mask, blockRow, blockColumn)
    for (let i = 0; i < height; i++) {
      const to = (head * rows + blockRow * blockShape[0] + i) * columns + blockColumn * blockShape[1]
      for (let j = 0; j < width; j++)
        dense[to + j] = first === undefined ? 1 : (elements[first + i * words + (j >>> 5)] >>> (j & 31)) & 1
    }
  })
  return dense
}
