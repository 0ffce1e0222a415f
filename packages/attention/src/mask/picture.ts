import { rangeError } from '@nnz/core'
import { expectOptions } from '../options.ts'
import { type BlockMask, expectBlockMask } from './block-mask.ts'
import { blockExtent } from './builder.ts'
import { forEachBlock } from './from.ts'

/** Options of `blockMask.svg`. */
export interface PictureOptions {
  /** Which head. Default: 0. */
  head?: number | undefined
  /** Width of the picture in pixels. Default: 320. */
  width?: number | undefined
}

/** A picture of a mask, queries from top to bottom, keys from left to right: full blocks dark, partial ones light. */
export function svg(mask: BlockMask, options: PictureOptions = {}): string {
  const { rows, columns, blockShape, heads } = expectBlockMask(mask, 'blockMask.svg')
  expectOptions(options, 'blockMask.svg')
  const { head = 0, width = 320 } = options
  if (!Number.isInteger(head) || head < 0 || head >= heads)
    throw rangeError('NNZ_VALUE', `blockMask.svg: expected a head in 0..${heads - 1}, got ${head}`)
  if (!(width > 0)) throw rangeError('NNZ_VALUE', `blockMask.svg: expected a width above 0, got ${width}`)
  const paths = { full: '', partial: '' }
  forEachBlock(mask, (of, row, column, first) => {
    if (of !== head) return
    const [h, w] = blockExtent(mask, row, column)
    const kind = first === undefined ? 'full' : 'partial'
    paths[kind] += `M${column * blockShape[1]} ${row * blockShape[0]}h${w}v${h}h-${w}z`
  })
  const height = Math.round((width * rows) / Math.max(1, columns))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${columns} ${rows}" role="img">`,
    `<title>Block mask of head ${head}: ${rows} queries, ${columns} keys, blocks of ${blockShape.join(' x ')}</title>`,
    `<rect width="${columns}" height="${rows}" fill="#f2f2f2"/>`,
    `<path d="${paths.full}" fill="#1f4e79"/>`,
    `<path d="${paths.partial}" fill="#7fb0dd"/>`,
    '</svg>',
  ].join('\n')
}
