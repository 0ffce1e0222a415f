/** Sparse and compact weights in files, and the file format for readers and writers of other tensors. */

export { fromBf16Bits, fromF16Bits, toBf16Bits, toF16Bits } from './compact/half.ts'
export { FileFormatError } from './storage/file-error.ts'
export { STORED_LAYOUTS, type StoredLayout } from './storage/layouts.ts'
export { type LoadedFile, type LoadOptions, load } from './storage/load.ts'
export {
  type DescribedTensor,
  ELEMENT_BYTES,
  LENGTH_BYTES as SAFETENSORS_LENGTH_BYTES,
  layOutSafetensors,
  parseSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsHeader,
  type SafetensorsType,
  safetensorsHeaderEnd,
  type WrittenTensor,
  writeSafetensors,
} from './storage/safetensors.ts'
export { type SaveOptions, save } from './storage/save.ts'
export type { Storable } from './storage/storable.ts'
