import { FileFormatError } from '@nnz/core/storage'
import { type ByteSource, closingOnFailure } from './bytes/byte-source.ts'
import { openGguf } from './gguf/open.ts'
import { openNpy } from './numpy/npy.ts'
import { type NpzOptions, openNpz } from './numpy/npz.ts'
import { type OnnxOptions, openOnnx } from './onnx/open.ts'
import { openSafetensors } from './safetensors.ts'
import type { TensorFile } from './tensor-file.ts'

const BRACE = 0x7b
/** Field 1, a whole number: the version, with which every ONNX model begins. */
const ONNX_START = 0x08

/**
 * Opens a file of any format that holds tensors: safetensors, GGUF, ONNX, npz, npy. The first bytes tell which it is, not the
 * name. The source is closed with the file, and where opening fails.
 *
 * @throws FileFormatError, also where it is none of them
 */
export async function openTensors(source: ByteSource, options: NpzOptions & OnnxOptions = {}): Promise<TensorFile> {
  const beginning = await closingOnFailure(source, () => source.read(0, Math.min(source.size, 9)))
  const text = String.fromCharCode(...beginning)
  if (text.startsWith('GGUF')) return openGguf(source)
  if (text.startsWith('PK')) return openNpz(source, options)
  if (text.startsWith('\x93NUMPY')) return openNpy(source)
  // The length of a safetensors header has 32 bits at most, in 64.
  if (beginning[0] === ONNX_START && beginning.subarray(4, 8).some((byte) => byte !== 0))
    return openOnnx(source, options)
  if (beginning[8] === BRACE) return openSafetensors(source)
  await source.close()
  throw new FileFormatError(source.name, 0, 'expected a safetensors, GGUF, ONNX, npz or npy file')
}
