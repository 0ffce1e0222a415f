export { byteRows } from './byte-rows'
export { blendRows, dotRows, exponentialRows } from './exponentials'
