export { type CArray, readCArrays } from './c-arrays.ts'
export { type OpusLayer, readOpusLayers } from './opus-linear.ts'
