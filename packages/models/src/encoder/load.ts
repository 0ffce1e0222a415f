import { describe, rangeError, typeError } from '@nnz/core'
import { bytesSource, openSafetensors } from '@nnz/formats'
import { z } from 'zod'
import { files, paths } from '../files.ts'
import { LAYOUTS_KEY, storedWeights } from '../stored-weights.ts'
import { type TextEncoder, tokenizerOf } from '../tokenizer.ts'
import type { WeightSource } from '../weights.ts'
import { type EncoderConfig, type EncoderDescription, encoderConfig } from './config.ts'

/** The files of an encoder as they are published, opened already. */
export interface EncoderFiles {
  /** The bytes of `model.safetensors`, or of a file that {@link Encoder.save} made. */
  readonly weights: Uint8Array | ArrayBuffer | Blob
  /** `tokenizer.json`, its text or what stands in it. Without one, sequences of tokens can be encoded, and no texts. */
  readonly tokenizer?: string | object | undefined
  /** What stands in `config.json`. */
  readonly config?: EncoderDescription | undefined
}

/** What a path or bytes gave. */
interface GivenFiles extends EncoderFiles {
  /** The file of the weights, in errors. */
  readonly name?: string | undefined
  /** What the folder's files say, where the weights do not bring it themselves. */
  readonly beside?: (Pick<EncoderFiles, 'tokenizer' | 'config'> & { readonly longest: number | undefined }) | undefined
}

/** What was found in the files. */
export interface LoadedEncoder {
  readonly source: WeightSource
  readonly config: EncoderConfig
  readonly tokenizer: TextEncoder | undefined
  /** The text of `tokenizer.json`. */
  readonly tokenizerJson: string | undefined
}

/** Keys of the metadata of a file that was saved. */
export const CONFIG_KEY = 'nnz.models.encoder'
export const TOKENIZER_KEY = 'nnz.models.tokenizer'
/** After how many tokens texts are cut. */
export const LONGEST_KEY = 'nnz.models.longest'

/** What `Encoder.load` was given, read where it is a path. */
export async function givenFiles(
  from: string | EncoderFiles,
  config: EncoderDescription | undefined,
): Promise<GivenFiles> {
  if (typeof from === 'string') return filesAt(from, config)
  if (typeof from !== 'object' || from === null)
    throw typeError(
      'NNZ_TYPE',
      `Encoder.load: expected a path, or { weights, tokenizer, config }, got ${describe(from)}`,
    )
  return config === undefined ? from : { ...from, config }
}

/** Reads what a path leads to: a folder as models are published, or a file that holds everything or lies in such a folder. */
async function filesAt(path: string, config: EncoderDescription | undefined): Promise<GivenFiles> {
  const { readFile, stat } = files()
  const { join, dirname, basename } = paths()
  const folder = (await stat(path)).isDirectory()
  const weights = folder ? join(path, 'model.safetensors') : path
  const at = (name: string) => join(dirname(weights), name)
  const json = async (name: string): Promise<string | undefined> => {
    try {
      return new TextDecoder().decode(await readFile(at(name)))
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined
      throw error
    }
  }
  const [description, settings] = [await json('config.json'), await json('sentence_bert_config.json')]
  return {
    name: basename(weights),
    weights: await readFile(weights),
    config,
    beside: {
      tokenizer: await json('tokenizer.json'),
      config: description === undefined ? undefined : (parsed(description, 'config.json') as EncoderDescription),
      longest: settings === undefined ? undefined : longestOf(settings),
    },
  }
}

function longestOf(text: string): number | undefined {
  const name = 'sentence_bert_config.json'
  const settings = z
    .looseObject({ max_seq_length: z.number().int().positive().optional() })
    .safeParse(parsed(text, name))
  if (!settings.success) throw rangeError('NNZ_VALUE', `${name}: expected max_seq_length to be a whole number above 0`)
  return settings.data.max_seq_length
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RangeError(`${file}: expected JSON`, { cause })
  }
}

/** Opens the files of an encoder. */
export async function openEncoder(given: GivenFiles, longest: number | undefined): Promise<LoadedEncoder> {
  const file = await openSafetensors(bytesSource(given.weights, given.name ?? 'model.safetensors'))
  const saved = file.metadata.get(CONFIG_KEY)
  const description = given.config ?? (saved === undefined ? given.beside?.config : parsed(saved, CONFIG_KEY))
  if (description === undefined)
    throw rangeError('NNZ_VALUE', 'Encoder.load: there is no config.json, and no option config: expected one of them')
  const config = encoderConfig(description, 'config.json')
  const weights = file.metadata.has(LAYOUTS_KEY) ? storedWeights(await wholeBytes(given.weights), file.name) : file
  const { tokenizer = file.metadata.get(TOKENIZER_KEY) ?? given.beside?.tokenizer } = given
  const told = saved === undefined ? given.beside?.longest : Number(file.metadata.get(LONGEST_KEY) ?? Number.NaN)
  const most = longest ?? (told && told > 0 ? told : config.positions)
  const tokenizerJson = typeof tokenizer === 'object' ? JSON.stringify(tokenizer) : tokenizer
  return {
    source: prefixed(weights, [...file.tensors.keys()]),
    config,
    tokenizer:
      tokenizerJson === undefined
        ? undefined
        : tokenizerOf(tokenizerJson, 'tokenizer.json', Math.min(most, config.positions)),
    tokenizerJson,
  }
}

/** Checkpoints of models with a head have `bert.` in front of every name. */
function prefixed(source: WeightSource, names: readonly string[]): WeightSource {
  const prefix = names.includes('bert.embeddings.word_embeddings.weight') ? 'bert.' : ''
  return { read: (name) => source.read(prefix + name) }
}

async function wholeBytes(bytes: EncoderFiles['weights']): Promise<Uint8Array> {
  const whole = bytes instanceof Blob ? await bytes.arrayBuffer() : bytes
  return whole instanceof ArrayBuffer ? new Uint8Array(whole) : whole
}
