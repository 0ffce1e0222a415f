import type { DecoderConfig, EncoderConfig } from '@nnz/models'
import type { NetworkTensors } from '../baselines/onnx-network.ts'
import {
  attend,
  gather,
  gelu,
  layerNorm,
  linear,
  rmsNorm,
  rotated,
  type States,
  sum,
  swiglu,
  tensorOf,
} from './plain.ts'

/**
 * A BERT encoder without anything that makes it fast: dense products in f32, all else in plain loops in doubles, rounded
 * after each step. `ids` are texts of `tokens` tokens, one after the other.
 *
 * @returns the mean of each text's hidden states, made a vector of length 1
 */
export function plainEncoder(
  { config, tensors }: { readonly config: EncoderConfig; readonly tensors: NetworkTensors },
  ids: ArrayLike<number>,
  tokens: number,
): Float64Array {
  const { heads, width, epsilon, layers } = config
  const embedding = (name: string) => tensorOf(tensors, `embeddings.${name}_embeddings.weight`)
  const positions = Array.from({ length: ids.length }, (_, i) => i % tokens)
  const kinds = gather(embedding('token_type'), new Uint8Array(ids.length))
  const places = sum(gather(embedding('position'), positions), kinds)
  let x = layerNorm(tensors, 'embeddings.LayerNorm', sum(gather(embedding('word'), ids), places), epsilon)
  const sizes = { tokens, heads, keyHeads: heads, headDim: width / heads, causal: false }
  for (let index = 0; index < layers; index++) {
    const at = `encoder.layer.${index}`
    const [q, k, v] = ['query', 'key', 'value'].map((name) => linear(tensors, `${at}.attention.self.${name}`, x))
    const attended = linear(tensors, `${at}.attention.output.dense`, attend({ q, k, v }, sizes))
    const middle = layerNorm(tensors, `${at}.attention.output.LayerNorm`, sum(attended, x), epsilon)
    const inner = gelu(linear(tensors, `${at}.intermediate.dense`, middle))
    x = layerNorm(tensors, `${at}.output.LayerNorm`, sum(linear(tensors, `${at}.output.dense`, inner), middle), epsilon)
  }
  return pooled(x, tokens, width)
}

function pooled(x: States, tokens: number, width: number): Float64Array {
  const out = new Float64Array(x.length / tokens)
  for (let i = 0; i < x.length; i++) out[Math.floor(i / (tokens * width)) * width + (i % width)] += x[i]
  for (let at = 0; at < out.length; at += width) {
    const vector = out.subarray(at, at + width)
    const length = Math.sqrt(vector.reduce((squares, value) => squares + value ** 2, 0))
    for (let i = 0; i < width; i++) vector[i] /= length
  }
  return out
}

/** A Llama decoder, computed in the same way. Returns log p of every token that may follow a text. */
export function plainDecoder(
  { config, tensors }: { readonly config: DecoderConfig; readonly tensors: NetworkTensors },
  ids: ArrayLike<number>,
): Float64Array {
  const { heads, keyHeads, width, epsilon, ropeBase, layers } = config
  const headDim = width / heads
  const sizes = { tokens: ids.length, heads, keyHeads, headDim, causal: true }
  let x = gather(tensorOf(tensors, 'token_embd.weight'), ids)
  for (let index = 0; index < layers; index++) {
    const at = `blk.${index}`
    const input = rmsNorm(tensors, `${at}.attn_norm`, x, epsilon)
    const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(tensors, `${at}.attn_${name}`, input))
    const turned = {
      q: rotated(q, width, headDim, ropeBase),
      k: rotated(k, keyHeads * headDim, headDim, ropeBase),
      v,
    }
    x = sum(x, linear(tensors, `${at}.attn_output`, attend(turned, sizes)))
    const inner = rmsNorm(tensors, `${at}.ffn_norm`, x, epsilon)
    const gated = swiglu(linear(tensors, `${at}.ffn_gate`, inner), linear(tensors, `${at}.ffn_up`, inner))
    x = sum(x, linear(tensors, `${at}.ffn_down`, gated))
  }
  const last = rmsNorm(tensors, 'output_norm', x.subarray(-width), epsilon)
  return logProbabilities(linear(tensors, 'token_embd', last))
}

/** Logits minus the logarithm of the sum of their exponentials. */
export function logProbabilities(logits: ArrayLike<number>): Float64Array {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i])
  let total = 0
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i] - largest)
  const shift = largest + Math.log(total)
  return Float64Array.from(logits, (value) => value - shift)
}
