import { csr, type Tensor, tensor } from '@nnz/core'
import { type Storable, save } from '@nnz/core/storage'
import { describeEncoder } from './config.ts'
import type { Forward } from './forward.ts'
import type { NamedNorm } from './layer.ts'
import { CONFIG_KEY, LONGEST_KEY, TOKENIZER_KEY } from './load.ts'

/** From this share of zeros on, indices take less room than the zeros do. */
const LEAST_SPARSITY = 0.3

/**
 * The weights of an encoder as the bytes of one file, by the names of a BERT checkpoint.
 *
 * @param longest after how many tokens texts are cut
 */
export function saved(
  forward: Forward,
  tokenizerJson: string | undefined,
  longest: number | undefined,
): Uint8Array<ArrayBuffer> {
  const { config, words, places, norm, stages } = forward
  const weights: [string, Storable | Tensor][] = [
    ['embeddings.word_embeddings.weight', words],
    // Those of token type 0 were added to them.
    ['embeddings.position_embeddings.weight', places],
    ['embeddings.token_type_embeddings.weight', tensor(new Float32Array(2 * config.width), [2, config.width])],
    ...normTensors(norm),
  ]
  for (const { product, bias, norm: following } of stages) {
    let top = 0
    for (const { name, weights: values, rows, columns } of product.stack.parts) {
      weights.push([`${name}.weight`, smallest(values, [rows, columns])])
      weights.push([`${name}.bias`, tensor(bias.data.subarray(top, top + rows), [rows])])
      top += rows
    }
    if (following) weights.push(...normTensors(following))
  }
  const metadata: Record<string, string> = { [CONFIG_KEY]: JSON.stringify(describeEncoder(config)) }
  if (tokenizerJson !== undefined) metadata[TOKENIZER_KEY] = tokenizerJson
  if (longest !== undefined) metadata[LONGEST_KEY] = String(longest)
  return save(weights, { metadata })
}

function normTensors({ name, gain, shift }: NamedNorm): [string, Tensor][] {
  return [
    [`${name}.weight`, gain],
    [`${name}.bias`, shift],
  ]
}

function smallest(values: Float32Array, shape: readonly [number, number]): Storable | Tensor {
  let zeros = 0
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++
  return zeros < LEAST_SPARSITY * values.length ? tensor(values, shape) : csr.fromDense(values, shape)
}
