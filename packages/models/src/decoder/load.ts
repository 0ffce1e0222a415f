import { describe, rangeError, typeError } from '@nnz/core'
import { bytesSource, openGguf } from '@nnz/formats'
import { files, paths } from '../files.ts'
import { type TextTokenizer, tokenizerOfGguf } from '../tokenizer.ts'
import type { WeightSource } from '../weights.ts'
import { configOfGguf, type DecoderConfig } from './config.ts'
import { openSaved } from './saved.ts'

/** A file of a decoder: its path, or its bytes where there are no paths. */
export type DecoderFile = string | Uint8Array | ArrayBuffer | Blob

/** What was found in a file. */
export interface OpenDecoder {
  readonly source: WeightSource
  readonly config: DecoderConfig
  readonly tokenizer: TextTokenizer | undefined
}

/**
 * Opens a GGUF file, one that {@link Decoder.save} made, or one that `nnz-prune` made of a GGUF file.
 *
 * @throws TypeError where it is neither a path nor bytes
 * @throws FileFormatError or RangeError where it is something else
 */
export async function openDecoder(file: DecoderFile): Promise<OpenDecoder> {
  const name = typeof file === 'string' ? paths().basename(file) : 'decoder'
  const bytes = await bytesOf(file)
  if (!isGguf(bytes)) return openSaved(bytes, name)
  const gguf = await openGguf(bytesSource(bytes, name))
  if (gguf.tensors.has('output.weight'))
    throw rangeError('NNZ_VALUE', `${name}: expected embeddings that are also the head, got a head of its own`)
  return { source: gguf, config: configOfGguf(gguf.metadata, name), tokenizer: tokenizerOfGguf(gguf.metadata, name) }
}

async function bytesOf(file: DecoderFile): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof file === 'string') return files().readFile(file)
  if (file instanceof Blob) return new Uint8Array(await file.arrayBuffer())
  if (file instanceof ArrayBuffer) return new Uint8Array(file)
  if (!(file instanceof Uint8Array))
    throw typeError('NNZ_TYPE', `Decoder.load: expected a path or bytes, got ${describe(file)}`)
  if (file.byteLength < 4) throw rangeError('NNZ_VALUE', 'Decoder.load: expected a file, got less than four bytes')
  return file as Uint8Array<ArrayBuffer>
}

function isGguf(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(0, 4)) === 'GGUF'
}
