import { openGguf, openSafetensors } from '@nnz/formats'
import { fileSource } from '@nnz/formats/node'
import { configOfGguf, type DecoderConfig, type EncoderConfig } from '@nnz/models'
import { magnitude, type Pattern } from '@nnz/prune'
import { z } from 'zod'
import type { NetworkTensor, NetworkTensors } from '../baselines/onnx-network.ts'
import { findModel } from '../models/index.ts'
import { cached, MINILM, MINILM_CONFIG, SMOLLM2 } from '../networks/open.ts'

/** What is published of a network: its sizes, and its tensors by their names. */
export interface Checkpoint<Config> {
  readonly config: Config
  readonly tensors: NetworkTensors
  /** The file in the cache, for runtimes that read it themselves. */
  readonly path?: string
  /** Tokens that are a whole word with the blank before it: a text of such words is cut into the same tokens again. */
  readonly words?: ReadonlyMap<number, string>
}

/** A network's weights, with those of its linear layers pruned. */
export interface PrunedNetwork<Config> extends Checkpoint<Config> {
  /** Weights of the layers that are pruned, and how many of them are not zero. */
  readonly weights: number
  readonly nnz: number
  /** Elements of all tensors. */
  readonly parameters: number
}

/** Its linear layers in a BERT checkpoint, and in the blocks of a Llama one. */
export const ENCODER_LAYERS = /^encoder\.layer\.\d+\.(?:.*\.)?(?:dense|query|key|value)\.weight$/
export const DECODER_LAYERS = /^blk\.\d+\.(?:attn_(?:q|k|v|output)|ffn_(?:gate|up|down))\.weight$/

let minilm: Promise<Checkpoint<EncoderConfig>> | undefined
let smollm2: Promise<Checkpoint<DecoderConfig>> | undefined

/** The sentence encoder all-MiniLM-L6-v2, read once. Rejects with RangeError where it is not in the cache. */
export function readMiniLm(): Promise<Checkpoint<EncoderConfig>> {
  minilm ??= (async () => {
    const file = await openSafetensors(await fileSource(cached(MINILM, 'model.safetensors')))
    const names = [...file.tensors.keys()].filter((name) => file.tensors.get(name)?.dtype.startsWith('F'))
    const tensors = await readAll(names, file)
    return { config: MINILM_CONFIG, tensors }
  })()
  return minilm
}

/** The language model SmolLM2-135M-Instruct, read once, its 4-bit weights widened. Rejects with RangeError where it is not in the cache. */
export function readSmolLm2(): Promise<Checkpoint<DecoderConfig>> {
  smollm2 ??= (async () => {
    const path = cached(SMOLLM2, findModel(SMOLLM2).files[0].name)
    const file = await openGguf(await fileSource(path))
    const tensors = await readAll([...file.tensors.keys()], file)
    const words = wordsOf(file.metadata.get('tokenizer.ggml.tokens'))
    return { config: configOfGguf(file.metadata, file.name), tensors, path, words }
  })()
  return smollm2
}

/** Byte-level vocabularies write a blank as Ġ. */
function wordsOf(tokens: unknown): ReadonlyMap<number, string> {
  const texts = z
    .array(z.string())
    .parse(tokens)
    .map((text) => text.replace('\u0120', ' '))
  return new Map([...texts.entries()].filter(([, text]) => /^ [a-z]{2,}$/.test(text)))
}

async function readAll(
  names: readonly string[],
  file: { read(name: string): Promise<NetworkTensor>; close(): Promise<void> },
): Promise<NetworkTensors> {
  try {
    const tensors = new Map<string, NetworkTensor>()
    for (const name of names) tensors.set(name, await file.read(name))
    return tensors
  } finally {
    await file.close()
  }
}

/** Prunes the linear layers by magnitude, each for itself. */
export function prunedNetwork<Config>(
  { tensors, ...rest }: Checkpoint<Config>,
  layers: RegExp,
  pattern: Pattern,
  sparsity: number,
): PrunedNetwork<Config> {
  const pruned = new Map(tensors)
  let [weights, nnz, parameters] = [0, 0, 0]
  for (const [name, tensor] of tensors) {
    parameters += tensor.data.length
    if (!layers.test(name)) continue
    const [rows, columns] = tensor.shape
    const data =
      sparsity === 0 ? tensor.data : magnitude({ weights: tensor.data, rows, columns }, { pattern, sparsity }).weights
    pruned.set(name, { ...tensor, data })
    weights += data.length
    nnz += data.reduce((count, value) => count + Number(value !== 0), 0)
  }
  return { ...rest, tensors: pruned, weights, nnz, parameters }
}
