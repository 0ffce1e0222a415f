export { type BlockMask, type BlockMaskParts, FULL, type MaskShape } from './mask/block-mask.ts'
export type { MaskPredicate } from './mask/from.ts'
export { blockMask } from './mask/index.ts'
export type { PictureOptions } from './mask/picture.ts'
