import { type Tensor, zeros } from '@nnz/core'
import { type BlockMask, blockRows, elementWords, FULL } from '../mask/block-mask.ts'
import { blockMask } from '../mask/index.ts'
import { expectHeads } from '../operands.ts'
import { rowMajor } from './tokens.ts'

/*
 * Query heads that share a key head and its blocks are taken as rows of one head, the heads of a token side by side: a block of
 * one token then has as many rows as there are heads in the group, which is what makes kernels fast (NSA, arXiv 2502.11089,
 * section 3.4).
 */

/** [heads, tokens, width] as [keyHeads, tokens * group, width]; with a batch axis too. */
export function packGroups(x: Tensor, keyHeads: number): Tensor {
  const heads = expectHeads(x, 'packGroups')
  const [, count, tokens, width] = heads.shape
  const group = count / keyHeads
  const result = zeros([...x.shape.slice(0, -3), keyHeads, tokens * group, width])
  const source = rowMajor(heads)
  forEachRow(source.length, tokens, group, width, (apart, together) => {
    result.data.set(source.subarray(apart, apart + width), together)
  })
  return result
}

/** What {@link packGroups} made of a tensor with `heads` heads, as it was. */
export function unpackGroups(x: Tensor, heads: number): Tensor {
  const [keyHeads, rows, width] = x.shape.slice(-3)
  const group = heads / keyHeads
  const result = zeros([...x.shape.slice(0, -3), heads, rows / group, width])
  forEachRow(x.data.length, rows / group, group, width, (apart, together) => {
    result.data.set(x.data.subarray(together, together + width), apart)
  })
  return result
}

function forEachRow(
  length: number,
  tokens: number,
  group: number,
  width: number,
  visit: (apart: number, together: number) => void,
): void {
  for (let row = 0; row * width < length; row++) {
    const [head, token] = [Math.floor(row / tokens), row % tokens]
    const to = (Math.floor(head / group) * tokens + token) * group + (head % group)
    visit(row * width, to * width)
  }
}

/**
 * The mask of packed rows: blocks of a mask for key heads, of which no query sees a key after its own.
 *
 * @param shift query i stands at key i + shift
 */
export function packMask(mask: BlockMask, group: number, shift: number): BlockMask {
  const [height, width] = mask.blockShape
  const words = Math.ceil(width / 32)
  const size = elementWords([height * group, width])
  const masks = new Map<number, number>()
  const elements: number[] = []
  /** The number of the element mask of a block that begins `behind` keys before the first query's own. */
  const diagonal = (behind: number) => {
    const known = masks.get(behind)
    if (known !== undefined) return known
    const block = new Uint32Array(size)
    for (let row = 0; row < height * group; row++)
      for (let key = 0; key < Math.min(width, behind + Math.floor(row / group) + 1); key++)
        block[row * words + (key >>> 5)] |= 1 << (key & 31)
    masks.set(behind, masks.size)
    for (const word of block) elements.push(word)
    return masks.size - 1
  }
  const perHead = blockRows(mask)
  const partialIndices = new Uint32Array(mask.columnIndices.length).fill(FULL)
  for (let row = 0; row < mask.heads * perHead; row++)
    for (let block = mask.rowOffsets[row]; block < mask.rowOffsets[row + 1]; block++) {
      const behind = (row % perHead) * height + shift - mask.columnIndices[block] * width
      if (behind < width - 1) partialIndices[block] = diagonal(behind)
    }
  return blockMask({
    ...mask,
    blockShape: [height * group, width],
    rows: mask.rows * group,
    partialIndices,
    elements: Uint32Array.from(elements),
  })
}
