export {
  type DescribedTensor,
  FileFormatError,
  type SafetensorsEntry,
  type SafetensorsType,
  type WrittenTensor,
  writeSafetensors,
} from '@nnz/core/storage'
export { type ByteSource, bytesSource } from './bytes/byte-source.ts'
export { TextCursor } from './bytes/text-cursor.ts'
export { type Elements, fromF8E4M3Bits, fromFloats, toElements, toFloats } from './elements.ts'
export { type GgufFile, type GgufValue, openGguf } from './gguf/open.ts'
export { openNpy } from './numpy/npy.ts'
export { type NpzOptions, openNpz } from './numpy/npz.ts'
export { type OnnxFile, type OnnxOptions, type OnnxTensor, openOnnx } from './onnx/open.ts'
export type { OnnxUse } from './onnx/uses.ts'
export { openTensors } from './open.ts'
export { openSafetensors, type SafetensorsFile } from './safetensors.ts'
export { readMatrixMarket } from './sparse/matrix-market.ts'
export { readSparseNpz } from './sparse/npz.ts'
export { readSmtx } from './sparse/smtx.ts'
export type { PatternOptions } from './sparse/values.ts'
export type { FloatTensor, RawTensor, TensorEntry, TensorFile } from './tensor-file.ts'
