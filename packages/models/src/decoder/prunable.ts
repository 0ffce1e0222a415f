import { attention } from '@nnz/attention'
import type { Tensor } from '@nnz/core'
import type { PrunableLayer, PrunableNetwork, StreamVisitor } from '@nnz/prune'
import { pack } from '../sequences.ts'
import type { Block } from './block.ts'
import type { DecoderConfig } from './config.ts'
import type { TiedHead } from './head.ts'
import { type Rotations, rotations } from './rope.ts'

/** Some sequences that are computed together, and their states so far. */
interface Batch {
  readonly x: Tensor
  readonly turns: Rotations
  readonly sequenceOffsets: readonly number[]
}

/** The linear layers of a decoder's blocks, and a forward pass over some windows of tokens that stops after each stage. */
export class PrunableDecoder implements PrunableNetwork {
  readonly stages: readonly (readonly PrunableLayer[])[]
  readonly #config: DecoderConfig
  readonly #blocks: readonly Block[]
  readonly #head: TiedHead
  readonly #windows: readonly (readonly number[])[]
  readonly #tokens: number

  /** @param tokens the most that are computed at once */
  constructor(
    {
      config,
      blocks,
      head,
      tokens,
    }: { config: DecoderConfig; blocks: readonly Block[]; head: TiedHead; tokens: number },
    windows: readonly (readonly number[])[],
  ) {
    this.#config = config
    this.#blocks = blocks
    this.#head = head
    this.#windows = windows
    this.#tokens = tokens
    this.stages = blocks.flatMap(({ stacks }) => stacks.map(({ parts }) => parts))
  }

  async stream(visitor: StreamVisitor): Promise<void> {
    const batches = this.#batches()
    for (const [index, block] of this.#blocks.entries()) {
      const finish = (stage: number) => visitor.finished(4 * index + stage)
      const observe = (stage: number, x: Tensor) => {
        for (const layer of this.stages[4 * index + stage]) visitor.observe(layer, x)
      }
      for (const { x } of batches) observe(0, block.normalised(x))
      await finish(0)
      const mixed = batches.map((batch) => attend(block, batch))
      for (const each of mixed) observe(1, each)
      await finish(1)
      for (const [i, { x }] of batches.entries()) {
        block.combine.run(mixed[i], { residual: x, out: x })
        observe(2, block.innerNormalised(x))
      }
      await finish(2)
      const gated = batches.map(({ x }) => block.expand.run(block.innerNormalised(x)))
      for (const each of gated) observe(3, each)
      await finish(3)
      for (const [i, { x }] of batches.entries()) block.contract.run(gated[i], { residual: x, out: x })
    }
  }

  #batches(): Batch[] {
    const { positions: longest, vocabulary, width, heads, ropeBase } = this.#config
    const groups: (readonly number[])[][] = []
    let size = Number.POSITIVE_INFINITY
    for (const window of this.#windows) {
      if (size + window.length > this.#tokens) {
        groups.push([])
        size = 0
      }
      groups.at(-1)!.push(window)
      size += window.length
    }
    return groups.map((windows) => {
      const { tokens, positions, sequenceOffsets } = pack(windows, { longest, vocabulary })
      return { x: this.#head.embed(tokens), turns: rotations(positions, width / heads, ropeBase), sequenceOffsets }
    })
  }
}

function attend(block: Block, { x, turns, sequenceOffsets }: Batch): Tensor {
  const { q, k, v } = block.heads(block.normalised(x), turns)
  const { mixed, out } = block.room(x.shape[0])
  attention(q, k, v, { causal: true, sequenceOffsets, out })
  return mixed
}
