export { attentionBackward } from './backward'
export { decode, decodeMerge } from './decode'
export { attention } from './forward'
export { packBlocks, poolMaximum, poolMean, poolMinimum, scoreBlocks } from './pool'
