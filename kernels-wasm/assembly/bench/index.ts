export { peakMadd, peakMulAdd } from './peak'
export { streamCopy, streamRead, streamTriad } from './stream'
