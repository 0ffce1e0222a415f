import {
  parseSafetensorsHeader,
  SAFETENSORS_LENGTH_BYTES,
  type SafetensorsEntry,
  safetensorsHeaderEnd,
} from '@nnz/core/storage'
import { type ByteSource, closingOnFailure } from './bytes/byte-source.ts'
import { type TensorFile, tensorFile } from './tensor-file.ts'

/** An open safetensors file. */
export type SafetensorsFile = TensorFile<SafetensorsEntry, string>

/**
 * Opens a safetensors file (github.com/huggingface/safetensors, "Format"). The source is closed with the file, and where
 * opening fails.
 *
 * @throws FileFormatError where lengths, types, shapes and offsets do not fit the file, overlap, or leave holes
 */
export function openSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  return closingOnFailure(source, async () => {
    const { name, size } = source
    const beginning = await source.read(0, Math.min(SAFETENSORS_LENGTH_BYTES, size))
    const end = safetensorsHeaderEnd(beginning, size, name)
    const header = await source.read(SAFETENSORS_LENGTH_BYTES, end - SAFETENSORS_LENGTH_BYTES)
    return tensorFile('safetensors', source, parseSafetensorsHeader(header, size, name))
  })
}
