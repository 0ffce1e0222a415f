import { type Tensor, tensor, zeros } from '@nnz/core'
import { rmsNorm } from '../elementwise.ts'
import { readShaped, type WeightSource } from '../weights.ts'
import type { DecoderConfig } from './config.ts'
import { type Rotations, rotate } from './rope.ts'
import { StackedLinear } from './stacked-linear.ts'

/** Queries [heads, tokens, headDim], and keys and values [keyHeads, tokens, headDim], as views. */
export interface Heads {
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
}

/** One layer of a Llama decoder: its weights, and each part of what it computes. */
export class Block {
  readonly config: DecoderConfig
  readonly attentionNorm: Float32Array
  /** Queries, keys and values. */
  readonly project: StackedLinear
  readonly combine: StackedLinear
  readonly innerNorm: Float32Array
  /** Gates and values, gated (SwiGLU). */
  readonly expand: StackedLinear
  readonly contract: StackedLinear

  private constructor(
    config: DecoderConfig,
    norms: { attention: Float32Array; inner: Float32Array },
    linears: { project: StackedLinear; combine: StackedLinear; expand: StackedLinear; contract: StackedLinear },
  ) {
    this.config = config
    this.attentionNorm = norms.attention
    this.innerNorm = norms.inner
    this.project = linears.project
    this.combine = linears.combine
    this.expand = linears.expand
    this.contract = linears.contract
  }

  /** Reads a layer by the names of a GGUF file. */
  static async read(source: WeightSource, index: number, config: DecoderConfig, tokens: number): Promise<Block> {
    const { width, innerWidth, heads, keyHeads } = config
    const keyWidth = (width / heads) * keyHeads
    const at = `blk.${index}`
    const stacked = async (parts: readonly (readonly [string, number])[], columns: number, gated = false) => {
      const read = []
      for (const [name, rows] of parts) {
        const weights = await readShaped(source, `${at}.${name}.weight`, [rows, columns])
        read.push({ name: `${at}.${name}`, weights })
      }
      return new StackedLinear({ parts: read, columns, tokens, activation: gated ? 'swiglu' : 'none' })
    }
    const norm = (name: string) => readShaped(source, `${at}.${name}.weight`, [width])
    const projections = [
      ['attn_q', width],
      ['attn_k', keyWidth],
      ['attn_v', keyWidth],
    ] as const
    const expansions = [
      ['ffn_gate', innerWidth],
      ['ffn_up', innerWidth],
    ] as const
    return new Block(
      config,
      { attention: await norm('attn_norm'), inner: await norm('ffn_norm') },
      {
        project: await stacked(projections, width),
        combine: await stacked([['attn_output', width]], width),
        expand: await stacked(expansions, width, true),
        contract: await stacked([['ffn_down', width]], innerWidth),
      },
    )
  }

  /** In the order in which they compute; those of one stack read the same input. */
  get stacks(): readonly StackedLinear[] {
    return [this.project, this.combine, this.expand, this.contract]
  }

  /** What the projections read. */
  normalised(x: Tensor): Tensor {
    return tensor(rmsNorm(x.data, this.attentionNorm, this.config.epsilon), x.shape)
  }

  /** Turned queries and keys, and values. */
  heads(normalised: Tensor, turns: Rotations): Heads {
    const { width, heads, keyHeads } = this.config
    const headDim = width / heads
    const projected = this.project.run(normalised)
    const [tokens, stride] = projected.shape
    rotate(projected.data, turns, { stride, heads: heads + keyHeads })
    const view = (first: number, count: number) =>
      tensor(projected.data.subarray(first * headDim), [count, tokens, headDim], { strides: [headDim, stride, 1] })
    return { q: view(0, heads), k: view(heads, keyHeads), v: view(heads + keyHeads, keyHeads) }
  }

  /** Room for what attention gives, and the same seen as [heads, tokens, headDim]. */
  room(tokens: number): { mixed: Tensor; out: Tensor } {
    const { width, heads } = this.config
    const mixed = zeros([tokens, width])
    const out = tensor(mixed.data, [heads, tokens, width / heads], { strides: [width / heads, width, 1] })
    return { mixed, out }
  }

  /** What gates and values read. */
  innerNormalised(x: Tensor): Tensor {
    return tensor(rmsNorm(x.data, this.innerNorm, this.config.epsilon), x.shape)
  }

  dispose(): void {
    for (const stack of this.stacks) stack.dispose()
  }
}
