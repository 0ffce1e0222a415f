import { attention, attentionBackward } from '@nnz/attention'
import {
  Conv2d,
  Embedding,
  LayerNorm,
  Linear,
  type Module,
  Positions,
  Random,
  Residual,
  relu,
  SelfAttention,
  Sequential,
} from '@nnz/backprop/kit'
import type { Task } from './data/task.ts'

/** The networks that can be named. */
export const NETWORKS = ['mlp', 'convnet', 'char-transformer'] as const
export type NetworkName = (typeof NETWORKS)[number]

/** A network, and those of its layers that may be sparse. */
export interface Network {
  readonly module: Module
  readonly layers: readonly (Linear | Conv2d)[]
  /** Shapes of the layers as densities are allocated by: [outputs, inputs], or with the kernel's extents. */
  readonly shapes: readonly (readonly number[])[]
}

const WIDTH = 128
const HEADS = 4
const BLOCKS = 3

/** A part of a width, at least one and a multiple of `of`. */
function scaled(width: number, scale: number, of = 1): number {
  return Math.max(of, Math.round((width * scale) / of) * of)
}

/** Multilayer perceptron, 512 and 256 hidden units. */
function mlp({ side, classes }: Task, random: Random, scale: number): Network {
  const sizes = [side * side, scaled(512, scale), scaled(256, scale)]
  const layers = [0, 1].map((i) => new Linear(`hidden.${i}`, { inputs: sizes[i], outputs: sizes[i + 1], random }))
  const last = new Linear('classes', { inputs: sizes[2], outputs: classes, random, gain: 1 })
  const module = new Sequential(layers[0], relu(), layers[1], relu(), last)
  return { module, layers: [...layers, last], shapes: [...layers, last].map(({ weight }) => weight.shape) }
}

/** Three convolutions, strides instead of pooling, and a linear layer, which stays dense. */
function convnet({ side, classes }: Task, random: Random, scale: number): Network {
  const channels = [1, ...[32, 64, 128].map((width) => scaled(width, scale))]
  const layers: Conv2d[] = []
  let extent = side
  for (let i = 0; i < 3; i++) {
    const options = { height: extent, width: extent, kernel: 3, stride: 2, padding: 1, random }
    layers.push(new Conv2d(`conv.${i}`, { inputs: channels[i], outputs: channels[i + 1], ...options }))
    extent = layers[i].extents[0]
  }
  const last = new Linear('classes', { inputs: channels[3] * extent * extent, outputs: classes, random, gain: 1 })
  const module = new Sequential(...layers.flatMap((convolution) => [convolution, relu()]), last)
  return { module, layers, shapes: layers.map((_, i) => [channels[i + 1], channels[i], 3, 3]) }
}

/** A decoder of three blocks of width 128. Its blocks' matrices may be sparse; embedding and classes stay dense. */
function charTransformer({ context, classes }: Task, random: Random, scale: number): Network {
  const width = scaled(WIDTH, scale, 4 * HEADS)
  const gain = 1 / Math.sqrt(2 * BLOCKS)
  const layers: Linear[] = []
  const blocks = Array.from({ length: BLOCKS }, (_, i) => {
    const options = { width, heads: HEADS, tokens: context, random, outputGain: gain }
    const attend = new SelfAttention(`block.${i}.attention`, {
      ...options,
      functions: { attention, attentionBackward },
    })
    const widen = new Linear(`block.${i}.widen`, { inputs: width, outputs: 4 * width, random })
    const narrow = new Linear(`block.${i}.narrow`, { inputs: 4 * width, outputs: width, random, gain })
    layers.push(attend.project, attend.combine, widen, narrow)
    return new Sequential(
      new Residual(new Sequential(new LayerNorm(`block.${i}.before`, width), attend)),
      new Residual(new Sequential(new LayerNorm(`block.${i}.between`, width), widen, relu(), narrow)),
    )
  })
  const module = new Sequential(
    new Embedding('characters', { entries: classes, width, random }),
    new Positions('positions', context, width, random),
    ...blocks,
    new LayerNorm('last', width),
    new Linear('classes', { inputs: width, outputs: classes, random, gain: 1 }),
  )
  return { module, layers, shapes: layers.map(({ weight }) => weight.shape) }
}

/**
 * A network with seeded weights, dense.
 *
 * @param scale of the hidden widths
 * @throws RangeError where it does not fit the data
 */
export function createNetwork(name: NetworkName, task: Task, seed: number, scale = 1): Network {
  const forText = name === 'char-transformer'
  if (forText !== task.context > 0)
    throw new RangeError(`--model: ${name} is for ${forText ? 'text' : 'images'}, not for ${task.description}`)
  const random = new Random(seed, 0)
  return { mlp, convnet, 'char-transformer': charTransformer }[name](task, random, scale)
}
