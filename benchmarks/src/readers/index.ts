export { type CArray, readCArrays } from './c-arrays.ts'
export { FileFormatError } from './file-format-error.ts'
export { type GgufFile, type GgufTensor, type GgufValue, listGguf, openGguf } from './gguf.ts'
export { readMatrixMarket } from './matrix-market.ts'
export { readNpz } from './npz.ts'
export { type OpusLayer, readOpusLayers } from './opus-linear.ts'
export {
  type FloatTensor,
  listTensors,
  openSafetensors,
  readTensor,
  type SafetensorsFile,
  type TensorEntry,
} from './safetensors.ts'
export { readSmtx } from './smtx.ts'
