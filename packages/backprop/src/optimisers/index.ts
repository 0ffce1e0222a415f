export { type AdamOptions, adam, adamW } from './adam.ts'
export { clipGradients } from './clip.ts'
export type { Optimiser, OptimiserOptions } from './optimiser.ts'
export { type SgdOptions, sgd } from './sgd.ts'
