import { csr, dense, rangeError, type Tensor, tensor } from '@nnz/core'
import { type Storable, save } from '@nnz/core/storage'
import { storedWeights } from '../stored-weights.ts'
import { GGUF_TOKENIZER, type TextTokenizer, tokenizerOfGguf } from '../tokenizer.ts'
import type { WeightSource } from '../weights.ts'
import { BLOCK } from './byte-blocks.ts'
import { checkedConfig, configOfGguf, type DecoderConfig } from './config.ts'
import type { Decoder } from './decoder.ts'

/** Keys of the metadata of a file that was saved. */
const CONFIG_KEY = 'nnz.models.decoder'
const TOKENIZER_KEY = 'nnz.models.tokenizer'
/** Under it, `nnz-prune` keeps the metadata of the GGUF file that it pruned. */
const GGUF_KEY = 'gguf'

/** Everything of a decoder as the bytes of one safetensors file, by the names of a GGUF file; sparse weights as they are. */
export function savedDecoder({ config, norm, head, blocks, tokenizer }: Decoder): Uint8Array<ArrayBuffer> {
  const { blocks: bytes } = head
  const shape = [config.vocabulary, config.width] as const
  const weights: [string, Storable | Tensor][] = [
    ['output_norm.weight', tensor(norm, [config.width])],
    [
      'token_embd.weight',
      bytes
        ? dense({ shape, values: { type: 'i8', length: bytes.data.length, ...bytes, groupColumns: BLOCK } })
        : tensor(head.rows(0, config.vocabulary), shape),
    ],
  ]
  for (const [index, block] of blocks.entries()) {
    weights.push([`blk.${index}.attn_norm.weight`, tensor(block.attentionNorm, [config.width])])
    weights.push([`blk.${index}.ffn_norm.weight`, tensor(block.innerNorm, [config.width])])
    for (const { parts, weights: stacked } of block.stacks)
      for (const { name, rows, columns, weights: values } of parts) {
        const matrix = tensor(values, [rows, columns])
        weights.push([`${name}.weight`, stacked.layout === 'dense' ? matrix : csr.fromDense(values, [rows, columns])])
      }
  }
  const described = tokenizer && { [TOKENIZER_KEY]: JSON.stringify(tokenizer.metadata) }
  return save(weights, { metadata: { [CONFIG_KEY]: JSON.stringify(config), ...described } })
}

/** What a file of {@link savedDecoder}, or one that `nnz-prune` made of a GGUF file, holds. */
export function openSaved(
  bytes: Uint8Array,
  file: string,
): { source: WeightSource; config: DecoderConfig; tokenizer: TextTokenizer | undefined } {
  const source = storedWeights(bytes, file)
  const { metadata } = source
  const gguf = metadata.get(GGUF_KEY)
  if (gguf !== undefined) {
    const described = new Map(Object.entries(parsed(gguf, file)))
    return { config: configOfGguf(described, file), tokenizer: tokenizerOfGguf(described, file), source }
  }
  const config = metadata.get(CONFIG_KEY)
  if (config === undefined)
    throw rangeError(
      'NNZ_VALUE',
      `${file}: expected a GGUF file, or one that Decoder.save made, or nnz-prune of a GGUF file`,
    )
  const described = metadata.get(TOKENIZER_KEY)
  return {
    config: checkedConfig(parsed(config, file), file),
    tokenizer: described === undefined ? undefined : tokenizerOf(parsed(described, file), file),
    source,
  }
}

function parsed(text: string, file: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // As what is no object.
  }
  throw rangeError('NNZ_VALUE', `${file}: expected metadata of a decoder as an object in JSON`)
}

function tokenizerOf(metadata: object, file: string): TextTokenizer {
  return tokenizerOfGguf(new Map(GGUF_TOKENIZER.map((key) => [key, (metadata as Record<string, unknown>)[key]])), file)
}
