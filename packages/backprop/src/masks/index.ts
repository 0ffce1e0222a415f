export { type Allocation, allocate, type LayerShape, randomMaskWidthFactor } from './allocate.ts'
export { apportion } from './apportion.ts'
export { blockMask, globalMasks, highestMask, nmMask, type Scored } from './magnitude-masks.ts'
export {
  countOf,
  entriesIn,
  fullPattern,
  isSubset,
  type Pattern,
  patternAt,
  patternOfFlags,
  positionsOf,
  samePattern,
} from './pattern.ts'
export { constantFanInMask, randomMask, randomMasks } from './random-masks.ts'
export { highest, magnitudes } from './select.ts'
