import { attention, attentionBackward } from '@nnz/attention'
import {
  gelu,
  LayerNorm,
  Linear,
  type Module,
  type Parameter,
  Random,
  Residual,
  SelfAttention,
  Sequential,
} from '@nnz/backprop/kit'
import { csr, type Tensor } from '@nnz/core'
import type { EncoderConfig } from '../encoder/config.ts'
import { type FloatTensor, readShaped, type WeightSource } from '../weights.ts'

/** A part of a parameter that a checkpoint has under a name of its own: some of its rows. */
interface Share {
  readonly parameter: Parameter
  readonly firstRow: number
  readonly shape: readonly number[]
}

/** The names of a block's linear layers in a checkpoint, stacked as they are computed. */
const STACKS = [
  ['attention.self.query', 'attention.self.key', 'attention.self.value'],
  ['attention.output.dense'],
  ['intermediate.dense'],
  ['output.dense'],
] as const

/**
 * The blocks of a BERT encoder as modules that can be trained: pruned layers at their kept entries alone, everything else
 * whole. Embeddings are not trained. It is a source of weights again: `Encoder.read(trainable, …)` computes with what has
 * been learnt.
 */
export class TrainableEncoder implements WeightSource {
  readonly config: EncoderConfig
  /** One for each layer: hidden states in, hidden states out. */
  readonly blocks: readonly Module[]
  /** The linear layers; query, key and value of a block are one. */
  readonly linears: readonly Linear[]
  readonly #source: WeightSource
  readonly #shares: ReadonlyMap<string, Share>

  private constructor(source: WeightSource, config: EncoderConfig, made: readonly TrainableBlock[]) {
    this.#source = source
    this.config = config
    this.blocks = made.map(({ module }) => module)
    this.linears = made.flatMap(({ linears }) => linears)
    this.#shares = new Map(made.flatMap(({ shares }) => shares))
  }

  /**
   * Reads the tensors by the names of a BERT checkpoint. Weights that are zero are taken as pruned and stay so.
   *
   * @param source also asked for the tensors that are not trained, when this is read from
   */
  static async read(source: WeightSource, config: EncoderConfig): Promise<TrainableEncoder> {
    const blocks: TrainableBlock[] = []
    for (let layer = 0; layer < config.layers; layer++)
      blocks.push(await readBlock(source, config, `encoder.layer.${layer}`))
    return new TrainableEncoder(source, config, blocks)
  }

  get parameters(): readonly Parameter[] {
    return this.blocks.flatMap(({ parameters }) => parameters)
  }

  /**
   * The hidden states after every block, each [tokens, width].
   *
   * @param x what the embeddings give, [tokens, width], the sequences laid end to end
   * @param save keep what {@link backward} needs
   */
  forward(x: Tensor, sequenceOffsets: readonly number[], save = true): Tensor[] {
    let states = x
    return this.blocks.map((block, i) => {
      states = block.forward(states, { save, input: i > 0, sequenceOffsets })
      return states
    })
  }

  /** Sets the gradient of every parameter. `slopes`: of the loss by what each block gave, written to. */
  backward(slopes: readonly Tensor[], everywhere = false): void {
    for (let i = this.blocks.length - 1; i >= 0; i--) {
      const below = this.blocks[i].backward(slopes[i], { input: i > 0, everywhere })
      if (below) add(slopes[i - 1].data, below.data)
    }
  }

  /** A tensor by its name in the checkpoint, pruned weights as zeros; as it is now, a copy. */
  async read(name: string): Promise<FloatTensor> {
    const share = this.#shares.get(name)
    if (!share) return this.#source.read(name)
    const { parameter, firstRow, shape } = share
    const { csr: sparse, value } = parameter
    const whole = sparse ? csr.toDense(sparse) : value.data
    const width = shape.slice(1).reduce((product, extent) => product * extent, 1)
    return { name, shape, data: whole.slice(firstRow * width, (firstRow + shape[0]) * width) }
  }

  dispose(): void {
    for (const block of this.blocks) block.dispose()
  }
}

interface TrainableBlock {
  readonly module: Module
  readonly linears: readonly Linear[]
  readonly shares: readonly (readonly [string, Share])[]
}

async function readBlock(source: WeightSource, config: EncoderConfig, at: string): Promise<TrainableBlock> {
  const { width, innerWidth, heads, epsilon } = config
  const shares: [string, Share][] = []
  // Every weight is replaced by what is read.
  const random = new Random(0)
  const functions = { attention, attentionBackward }
  const mixing = new SelfAttention(`${at}.attention`, { width, heads, tokens: 1, causal: false, functions, random })
  const up = new Linear(`${at}.intermediate.dense`, { inputs: width, outputs: innerWidth, random })
  const down = new Linear(`${at}.output.dense`, { inputs: innerWidth, outputs: width, random })
  const norms = ['attention.output.LayerNorm', 'output.LayerNorm'].map(
    (name) => new LayerNorm(`${at}.${name}`, width, epsilon),
  )
  const fill = async (parameter: Parameter, names: readonly string[]) => {
    const [rows, ...rest] = parameter.shape
    const shape = [rows / names.length, ...rest]
    const parts = await Promise.all(names.map((name) => readShaped(source, name, shape)))
    const data = new Float32Array(parts.length * parts[0].length)
    parts.forEach((part, i) => {
      data.set(part, i * part.length)
      shares.push([names[i], { parameter, firstRow: i * shape[0], shape }])
    })
    if (rest.length > 0 && data.includes(0)) {
      const sparse = csr.fromDense(data, [rows, rest[0]])
      parameter.repattern(sparse)
      parameter.value.data.set(sparse.values)
    } else parameter.value.data.set(data)
    parameter.version++
  }
  const linears = [mixing.project, mixing.combine, up, down]
  for (const [i, stack] of STACKS.entries()) {
    await fill(
      linears[i].weight,
      stack.map((name) => `${at}.${name}.weight`),
    )
    await fill(
      linears[i].bias!,
      stack.map((name) => `${at}.${name}.bias`),
    )
  }
  for (const norm of norms)
    for (const parameter of [norm.gain, norm.bias])
      await fill(parameter, [parameter.name.replace(/\.gain$/, '.weight')])
  const module = new Sequential(
    new Residual(mixing),
    norms[0],
    new Residual(new Sequential(up, gelu(), down)),
    norms[1],
  )
  return { module, linears, shares }
}

function add(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] += y[i]
}
