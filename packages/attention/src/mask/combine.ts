import { rangeError } from '@nnz/core'
import { type BlockMask, blockColumns, blockRows, create, elementWords, expectBlockMask, FULL } from './block-mask.ts'
import { blockExtent, clip, MaskBuilder } from './builder.ts'
import { forEachBlock } from './from.ts'

/** Block by block; both masks must have one size, and heads that are equal or 1. */
function combine(a: BlockMask, b: BlockMask, name: string, both: boolean): BlockMask {
  expectBlockMask(a, `${name}: a`)
  expectBlockMask(b, `${name}: b`)
  const size = (mask: BlockMask) => `${mask.rows}x${mask.columns} in blocks of ${mask.blockShape.join('x')}`
  if (size(a) !== size(b))
    throw rangeError('NNZ_SHAPE', `${name}: expected masks of one size, got ${size(a)} and ${size(b)}`)
  if (a.heads !== b.heads && a.heads !== 1 && b.heads !== 1)
    throw rangeError('NNZ_SHAPE', `${name}: expected equal heads or 1, got ${a.heads} and ${b.heads}`)
  const heads = Math.max(a.heads, b.heads)
  const perHead = blockRows(a)
  const builder = new MaskBuilder({ ...a, heads })
  for (let row = 0; row < heads * perHead; row++) {
    const rowOf = (mask: BlockMask) => (mask.heads === 1 ? row % perHead : row)
    let i = a.rowOffsets[rowOf(a)]
    let j = b.rowOffsets[rowOf(b)]
    const iEnd = a.rowOffsets[rowOf(a) + 1]
    const jEnd = b.rowOffsets[rowOf(b) + 1]
    while (i < iEnd || j < jEnd) {
      const left = i < iEnd ? a.columnIndices[i] : Number.POSITIVE_INFINITY
      const right = j < jEnd ? b.columnIndices[j] : Number.POSITIVE_INFINITY
      const column = Math.min(left, right)
      const inA = left === column ? i++ : undefined
      const inB = right === column ? j++ : undefined
      if (both ? inA !== undefined && inB !== undefined : true) {
        merge(builder.elements, a, inA, both)
        merge(builder.elements, b, inB, both && inA !== undefined, true)
        builder.addElements(column)
      }
    }
    builder.endRow()
  }
  return builder.finish()
}

/** Sets `elements` to a block, or joins the block to it. */
function merge(elements: Uint32Array, mask: BlockMask, block: number | undefined, and: boolean, join = false): void {
  if (block === undefined) return
  const partial = mask.partialIndices[block]
  const from = partial * elements.length
  for (let i = 0; i < elements.length; i++) {
    const word = partial === FULL ? 0xffffffff : mask.elements[from + i]
    elements[i] = join && and ? elements[i] & word : elements[i] | word
  }
}

/**
 * Pairs that both masks keep. A mask for all heads (`heads: 1`) meets every head of the other.
 *
 * @throws RangeError if the masks differ in rows, columns or blockShape
 */
export function and(a: BlockMask, b: BlockMask): BlockMask {
  return combine(a, b, 'blockMask.and', true)
}

/** Pairs that at least one of the masks keeps; otherwise as {@link and}. */
export function or(a: BlockMask, b: BlockMask): BlockMask {
  return combine(a, b, 'blockMask.or', false)
}

/** Kept pairs, over all heads of the mask. */
export function keptPairs(mask: BlockMask): number {
  expectBlockMask(mask, 'blockMask.keptPairs')
  let pairs = 0
  const size = elementWords(mask.blockShape)
  forEachBlock(mask, (_, blockRow, blockColumn, first) => {
    const extent = blockExtent(mask, blockRow, blockColumn)
    pairs +=
      first === undefined
        ? extent[0] * extent[1]
        : clip(mask.elements.slice(first, first + size), mask.blockShape[1], extent)
  })
  return pairs
}

/** Share of pairs that are kept, 0 to 1. */
export function density(mask: BlockMask): number {
  expectBlockMask(mask, 'blockMask.density')
  return keptPairs(mask) / (mask.heads * mask.rows * mask.columns || 1)
}

/** Queries and keys change places: block rows of the result list, for each block of keys, the queries that meet it. */
export function transpose(mask: BlockMask): BlockMask {
  const { heads, rows, columns, blockShape, elements } = expectBlockMask(mask, 'blockMask.transpose')
  const perHead = blockColumns(mask)
  const rowOffsets = new Uint32Array(heads * perHead + 1)
  forEachBlock(mask, (head, _, column) => {
    rowOffsets[head * perHead + column + 1]++
  })
  for (let i = 1; i < rowOffsets.length; i++) rowOffsets[i] += rowOffsets[i - 1]
  const next = rowOffsets.slice()
  const columnIndices = new Uint32Array(mask.columnIndices.length)
  const partialIndices = new Uint32Array(columnIndices.length)
  const shape: [number, number] = [blockShape[1], blockShape[0]]
  const [fromSize, toSize] = [elementWords(blockShape), elementWords(shape)]
  const flipped = new Uint32Array((elements.length / fromSize) * toSize)
  const [fromWords, toWords] = [Math.ceil(blockShape[1] / 32), Math.ceil(blockShape[0] / 32)]
  for (let m = 0; m < elements.length / fromSize; m++) {
    for (let i = 0; i < blockShape[0]; i++) {
      for (let j = 0; j < blockShape[1]; j++) {
        const bit = (elements[m * fromSize + i * fromWords + (j >>> 5)] >>> (j & 31)) & 1
        flipped[m * toSize + j * toWords + (i >>> 5)] |= bit << (i & 31)
      }
    }
  }
  forEachBlock(mask, (head, row, column, first) => {
    const to = next[head * perHead + column]++
    columnIndices[to] = row
    partialIndices[to] = first === undefined ? FULL : first / fromSize
  })
  return create({
    blockShape: shape,
    heads,
    rows: columns,
    columns: rows,
    rowOffsets,
    columnIndices,
    partialIndices,
    elements: flipped,
  })
}
