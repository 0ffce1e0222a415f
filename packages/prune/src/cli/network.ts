import { readFile } from 'node:fs/promises'
import type { TensorFile } from '@nnz/formats'
import type { PrunableNetwork } from '../network.ts'

/** A network that calibration texts can go through. */
interface Calibratable {
  readonly tokenizer?: { encode(text: string): readonly number[] } | undefined
  prunable(calibration: readonly string[] | readonly (readonly number[])[]): PrunableNetwork
}

/** What is used of @nnz/models. It depends on this package, so that it cannot be a dependency of it. */
interface Models {
  readonly Encoder: { load(path: string): Promise<Calibratable> }
  readonly Decoder: { load(path: string): Promise<Calibratable> }
}

/** Tokens of a decoder's windows. */
const WINDOW = 256
const DEFAULT_SAMPLES = { lines: 128, windows: 64 }

/** `count` of the items, evenly spread. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items]
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)])
}

async function models(): Promise<Models> {
  const name = '@nnz/models'
  try {
    return await import(name)
  } catch (cause) {
    const reason = (cause as Error).message
    throw new RangeError(
      `methods that need text run the network by @nnz/models, which cannot be loaded: npm install @nnz/models (${reason})`,
      { cause },
    )
  }
}

/**
 * Opens the network that a file holds, with a text to calibrate with: a decoder from GGUF, a sentence encoder from
 * safetensors with its configuration and tokeniser in the same folder or in the file.
 *
 * @param samples lines of the text for an encoder, windows of 256 tokens for a decoder; all are spread over the text
 * @throws RangeError if @nnz/models is missing, or the text is too short
 */
export async function openNetwork(
  path: string,
  format: TensorFile['format'],
  textFile: string,
  samples: number | undefined,
): Promise<PrunableNetwork> {
  if (format !== 'gguf' && format !== 'safetensors')
    throw new RangeError(
      `${path}: networks are run from GGUF and safetensors; of ${format}, prune by magnitude, without --text`,
    )
  const { Encoder, Decoder } = await models()
  const text = await readFile(textFile, 'utf8')
  if (format === 'safetensors') {
    const lines = text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
    if (lines.length === 0) throw new RangeError(`${textFile}: every line is empty`)
    return (await Encoder.load(path)).prunable(spread(lines, samples ?? DEFAULT_SAMPLES.lines))
  }
  const decoder = await Decoder.load(path)
  const tokens = decoder.tokenizer!.encode(text)
  const windows = Array.from({ length: Math.floor(tokens.length / WINDOW) }, (_, i) =>
    tokens.slice(i * WINDOW, (i + 1) * WINDOW),
  )
  if (windows.length === 0)
    throw new RangeError(`${textFile}: has ${tokens.length} tokens, expected at least ${WINDOW}`)
  return decoder.prunable(spread(windows, samples ?? DEFAULT_SAMPLES.windows))
}
