export { activeRows, type Condensed, condense, condensedLinear, fanInOf } from './condensed.ts'
export {
  countKept,
  dstEe,
  type Exchange,
  type Exploration,
  graNet,
  type Kept,
  type Regeneration,
  rigl,
  set,
} from './methods.ts'
export { type MomentumLayer, meanMomentum, sparseMomentum } from './sparse-momentum.ts'
export { type ConstantFanIn, srigl } from './srigl.ts'
export { dropLowest, freePositions, growHighest, growRandom, withPositions } from './steps.ts'
