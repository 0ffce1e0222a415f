import { type Tensor, tensor } from '@nnz/core'
import { rmsNorm } from '../elementwise.ts'
import type { Hooks } from '../hooks.ts'
import type { Block, Heads } from './block.ts'
import type { Rotations } from './rope.ts'
import type { StackedLinear } from './stacked-linear.ts'

/** Attention of one layer: writes [heads, tokens, headDim] to `out`. */
export type Attend = (layer: number, heads: Heads, out: Tensor) => void

/** Takes x [tokens, width] through one layer, in place. */
export function runBlock(
  block: Block,
  index: number,
  x: Tensor,
  turns: Rotations,
  attend: Attend,
  hooks: Hooks = {},
): void {
  const tell = ({ parts }: StackedLinear, input: Tensor) => {
    for (const { name } of hooks.linear ? parts : []) hooks.linear!(name, input)
  }
  const normalised = block.normalised(x)
  tell(block.project, normalised)
  const heads = block.heads(normalised, turns)
  const { mixed, out } = block.room(x.shape[0])
  attend(index, heads, out)
  tell(block.combine, mixed)
  block.combine.run(mixed, { residual: x, out: x })
  const inner = block.innerNormalised(x)
  tell(block.expand, inner)
  const gated = block.expand.run(inner)
  tell(block.contract, gated)
  block.contract.run(gated, { residual: x, out: x })
}

/** Takes x [tokens, width] through all layers and the last norm; x is overwritten. */
export function runBlocks(
  blocks: readonly Block[],
  norm: Float32Array,
  x: Tensor,
  turns: Rotations,
  attend: Attend,
  hooks: Hooks = {},
): Tensor {
  for (const [index, block] of blocks.entries()) runBlock(block, index, x, turns, attend, hooks)
  return tensor(rmsNorm(x.data, norm, blocks[0].config.epsilon), x.shape)
}
