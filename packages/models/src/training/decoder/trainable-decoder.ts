import { Linear, type Module, type Parameter, Random, Residual, Sequential } from '@nnz/backprop/kit'
import { csr, type Tensor, tensor } from '@nnz/core'
import type { Block } from '../../decoder/block.ts'
import type { DecoderConfig } from '../../decoder/config.ts'
import type { Decoder } from '../../decoder/decoder.ts'
import type { StackedLinear } from '../../decoder/stacked-linear.ts'
import { GroupedAttention } from './grouped-attention.ts'
import { RmsNorm } from './rms-norm.ts'
import { SwiGlu } from './swiglu.ts'

interface TrainableBlock {
  readonly module: Module
  readonly norms: readonly RmsNorm[]
  readonly linears: readonly Linear[]
}

/**
 * The blocks and the last norm of a decoder as modules that can be trained: pruned layers at their kept entries alone,
 * everything else whole. Embeddings, which are also the head, are not trained. {@link TrainableDecoder.writeTo} gives a decoder what has been
 * learnt.
 */
export class TrainableDecoder {
  readonly config: DecoderConfig
  readonly #blocks: readonly TrainableBlock[]
  readonly #norm: RmsNorm
  readonly #module: Module

  /** @param decoder its weights are copied; those of sparse layouts that are zero stay zero */
  constructor(decoder: Decoder) {
    this.config = decoder.config
    this.#blocks = decoder.blocks.map(trainable)
    this.#norm = new RmsNorm('output_norm', decoder.norm.slice(), this.config.epsilon)
    this.#module = new Sequential(...this.#blocks.map(({ module }) => module), this.#norm)
  }

  get parameters(): readonly Parameter[] {
    return this.#module.parameters
  }

  /**
   * Normalised hidden states, [tokens, width].
   *
   * @param x embeddings [tokens, width], the sequences laid end to end
   * @param save keep what {@link backward} needs
   */
  forward(x: Tensor, sequenceOffsets: readonly number[], save = true): Tensor {
    let states = x
    for (const { module } of this.#blocks) states = module.forward(states, { save, sequenceOffsets })
    return this.#norm.forward(states, { save })
  }

  /** Sets the gradient of every parameter. */
  backward(slope: Tensor): void {
    this.#module.backward(slope, { input: false })
  }

  /** Sets the weights and norms of a decoder of the same sizes to what they are now. */
  writeTo(decoder: Decoder): void {
    decoder.norm.set(this.#norm.gain.value.data)
    for (const [index, { norms, linears }] of this.#blocks.entries()) {
      const block = decoder.blocks[index]
      block.attentionNorm.set(norms[0].gain.value.data)
      block.innerNorm.set(norms[1].gain.value.data)
      for (const [i, { weight }] of linears.entries()) {
        const values = weight.csr ? csr.toDense(weight.csr) : weight.value.data.slice()
        let at = 0
        for (const part of block.stacks[i].parts) {
          const size = part.rows * part.columns
          part.set(values.subarray(at, at + size))
          at += size
        }
      }
    }
  }

  dispose(): void {
    this.#module.dispose()
  }
}

function trainable(block: Block, index: number): TrainableBlock {
  const { width, heads, keyHeads, ropeBase, epsilon } = block.config
  const at = `blk.${index}`
  const [project, combine, expand, contract] = (['project', 'combine', 'expand', 'contract'] as const).map((name) =>
    linearOf(`${at}.${name}`, block[name]),
  )
  const norms = [
    new RmsNorm(`${at}.attn_norm`, block.attentionNorm.slice(), epsilon),
    new RmsNorm(`${at}.ffn_norm`, block.innerNorm.slice(), epsilon),
  ]
  const mixing = new GroupedAttention(`${at}.attention`, project, combine, { width, heads, keyHeads, ropeBase })
  const module = new Sequential(
    new Residual(new Sequential(norms[0], mixing)),
    new Residual(new Sequential(norms[1], expand, new SwiGlu(), contract)),
  )
  return { module, norms, linears: [project, combine, expand, contract] }
}

function linearOf(name: string, stack: StackedLinear): Linear {
  const { weights } = stack
  const [outputs, inputs] = weights.shape
  const options = { inputs, outputs, bias: false, random: new Random(0) }
  if (weights.layout === 'dense') return new Linear(name, options, tensor(weights.values.slice(), [outputs, inputs]))
  const sparse = stack.sparse()
  return new Linear(name, options, csr({ ...sparse, values: sparse.values.slice() }))
}
