/** Sparse and compact weights in files. */

export { STORED_LAYOUTS, type StoredLayout } from './storage/layouts.ts'
export { type LoadedFile, type LoadOptions, load } from './storage/load.ts'
export { type SaveOptions, save } from './storage/save.ts'
export type { Storable } from './storage/storable.ts'
