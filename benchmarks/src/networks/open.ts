import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { openGguf, openSafetensors, type SafetensorsFile } from '@nnz/formats'
import { fileSource } from '@nnz/formats/node'
import {
  configOfGguf,
  Decoder,
  Encoder,
  type EncoderConfig,
  type TextEncoder,
  tokenizerOf,
  tokenizerOfGguf,
} from '@nnz/models'
import { findModel, modelFile } from '../models/index.ts'

export const MINILM = 'all-minilm-l6-v2'
export const SMOLLM2 = 'smollm2-135m-instruct'

/** What the model's configuration files say. */
export const MINILM_CONFIG: EncoderConfig = {
  vocabulary: 30_522,
  positions: 512,
  layers: 6,
  heads: 12,
  width: 384,
  innerWidth: 1536,
  epsilon: 1e-12,
}

/**
 * The sentence encoder all-MiniLM-L6-v2 out of the cache, for at most so many tokens at once; texts are cut after `longest`, by
 * default as its publisher does. Throws RangeError where it has not been fetched.
 */
export async function openMiniLm(tokens: number, longest = 256): Promise<{ encoder: Encoder; tokenizer: TextEncoder }> {
  const { file, tokenizer } = await openMiniLmFiles(longest)
  try {
    return { encoder: await Encoder.read(file, MINILM_CONFIG, tokens), tokenizer }
  } finally {
    await file.close()
  }
}

/** The tensors of all-MiniLM-L6-v2 out of the cache, to be closed by the caller, and its tokeniser, as {@link openMiniLm}. */
export async function openMiniLmFiles(longest = 256): Promise<{ file: SafetensorsFile; tokenizer: TextEncoder }> {
  const [weights, description] = [cached(MINILM, 'model.safetensors'), cached(MINILM, 'tokenizer.json')]
  const tokenizer = tokenizerOf(await readFile(description, 'utf8'), basename(description), longest)
  return { file: await openSafetensors(await fileSource(weights)), tokenizer }
}

/** The language model SmolLM2-135M-Instruct out of the cache. Throws RangeError where it has not been fetched. */
export async function openSmolLm2(tokens: number): Promise<{ decoder: Decoder; tokenizer: TextEncoder }> {
  const path = cached(SMOLLM2, findModel(SMOLLM2).files[0].name)
  const file = await openGguf(await fileSource(path))
  try {
    const tokenizer = tokenizerOfGguf(file.metadata, basename(path))
    const config = configOfGguf(file.metadata, file.name)
    return { decoder: await Decoder.read(file, config, tokens), tokenizer }
  } finally {
    await file.close()
  }
}

/** The path of a file in the cache. Throws RangeError where it has not been fetched. */
export function cached(model: string, name: string): string {
  const path = modelFile(model, name)
  if (path === undefined) throw new RangeError(`${model} is not in the cache: nnz-bench models fetch ${model}`)
  return path
}
