import { attention } from '@nnz/attention'
import { type Backend, type Tensor, type TensorHost, tensor, zeros } from '@nnz/core'
import type { Hooks } from '../hooks.ts'
import { splitHeads } from '../sequences.ts'
import { readShaped, type WeightSource } from '../weights.ts'
import type { EncoderConfig } from './config.ts'
import { type EncoderOperations, hostOf, type Lanes, type Norm } from './kernels/types.ts'
import { LaneProduct } from './lane-product.ts'
import { fill, type Rooms, tokensOf } from './rooms.ts'

/** What a layer computes on. */
export interface Pass {
  readonly operations: EncoderOperations
  readonly rooms: Rooms
  readonly config: EncoderConfig
  /** Tokens of all sequences. */
  readonly tokens: number
  /** Where each sequence begins, and the end of the last. */
  readonly offsets: Int32Array
  readonly hooks: Hooks
}

/** A vector in the memory of a backend. */
export function place(values: Float32Array, shape: readonly number[], host: TensorHost | undefined): Tensor {
  if (!host) return tensor(values, shape)
  const placed = zeros(shape, { backend: host })
  placed.data.set(values)
  return placed
}

export async function readNorm(
  source: WeightSource,
  name: string,
  width: number,
  host: TensorHost | undefined,
): Promise<NamedNorm> {
  const read = async (part: string) => place(await readShaped(source, `${name}.${part}`, [width]), [width], host)
  return { name, gain: await read('weight'), shift: await read('bias') }
}

/** Products run on whole vectors of columns; those beyond the tokens are never read. */
export const COLUMNS = 4

/** A normalisation and its name in a checkpoint. */
export interface NamedNorm extends Norm {
  readonly name: string
}

/** Linear layers that read one input, and what follows them. */
export interface Stage {
  readonly product: LaneProduct
  /** Of all its layers, one behind the other. */
  readonly bias: Tensor
  /** What follows, where hidden states are normalised. */
  readonly norm?: NamedNorm
  /** Where the input stands. */
  input(rooms: Rooms): Lanes
  run(pass: Pass): void
}

/**
 * Reads a layer, in computing order: queries, keys and values with the attention; its output, added to the hidden states; up
 * with its activation; down, added.
 */
export async function readStages(
  source: WeightSource,
  layer: number,
  { width, innerWidth }: EncoderConfig,
  backend: Backend,
): Promise<readonly Stage[]> {
  const at = `encoder.layer.${layer}`
  const host = hostOf(backend)
  const linear = async (names: readonly string[], outputs: number, inputs: number) => {
    const parts = []
    const bias = new Float32Array(names.length * outputs)
    for (const [i, part] of names.entries()) {
      const name = `${at}.${part}`
      parts.push({ name, weights: await readShaped(source, `${name}.weight`, [outputs, inputs]) })
      bias.set(await readShaped(source, `${name}.bias`, [outputs]), i * outputs)
    }
    return { product: new LaneProduct(parts, inputs, backend), bias: place(bias, [bias.length], host) }
  }
  const self = ['query', 'key', 'value'].map((part) => `attention.self.${part}`)
  return [
    attending(layer, await linear(self, width, width)),
    adding(
      ({ mixed }) => mixed,
      await linear(['attention.output.dense'], width, width),
      await readNorm(source, `${at}.attention.output.LayerNorm`, width, host),
    ),
    expanding(await linear(['intermediate.dense'], innerWidth, width)),
    adding(
      ({ inner }) => inner,
      await linear(['output.dense'], width, innerWidth),
      await readNorm(source, `${at}.output.LayerNorm`, width, host),
    ),
  ]
}

interface Biased {
  readonly product: LaneProduct
  readonly bias: Tensor
}

function attending(layer: number, { product, bias }: Biased): Stage {
  return {
    product,
    bias,
    input: ({ x }) => x,
    run(pass) {
      const { operations, rooms, config, offsets, hooks } = pass
      multiply(product, rooms.x, rooms.qkv, pass)
      if (hooks.attention) attendByHook(layer, bias, pass)
      else operations.attendPacked({ qkv: rooms.qkv, bias, out: rooms.mixed, heads: config.heads, offsets })
    },
  }
}

function expanding({ product, bias }: Biased): Stage {
  return {
    product,
    bias,
    input: ({ x }) => x,
    run(pass) {
      multiply(product, pass.rooms.x, pass.rooms.inner, pass)
      pass.operations.addGelu({ y: pass.rooms.inner, bias, tokens: pass.tokens })
    },
  }
}

function adding(input: (rooms: Rooms) => Lanes, { product, bias }: Biased, norm: NamedNorm): Stage {
  return {
    product,
    bias,
    norm,
    input,
    run(pass) {
      const { operations, rooms, config, tokens } = pass
      multiply(product, input(rooms), rooms.y, pass)
      operations.addNorm({ y: { product: rooms.y, bias }, x: rooms.x, norm, epsilon: config.epsilon, tokens })
    },
  }
}

function multiply(product: LaneProduct, from: Lanes, to: Lanes, { rooms, tokens }: Pass): void {
  const columns = COLUMNS * Math.ceil(tokens / COLUMNS)
  product.run(rooms.columns(from, columns), rooms.columns(to, columns), rooms.tokens)
}

/** Attention as a hook wants it: with a mask, or seen by it. */
function attendByHook(layer: number, bias: Tensor, { rooms, config, tokens, offsets, hooks }: Pass): void {
  const { width, heads } = config
  const [q, k, v] = [0, 1, 2].map((part) => {
    const data = tokensOf(rooms.qkv, width, tokens, part * width)
    const added = bias.data.subarray(part * width, (part + 1) * width)
    for (let i = 0; i < data.length; i++) data[i] += added[i % width]
    return splitHeads(tensor(data, [tokens, width]), heads)
  })
  const sequenceOffsets = [...offsets]
  const mask = hooks.attention?.(layer, { q, k, v, sequenceOffsets, causal: false })
  const mixed = zeros([tokens, width])
  attention(q, k, v, { mask, sequenceOffsets, out: splitHeads(mixed, heads) })
  fill(rooms.mixed, mixed)
}
