import { type BlockMask, blockMask, patterns, selection } from '@nnz/attention'
import type { Tensor } from '@nnz/core'
import type { AttentionInputs } from '@nnz/models'

/** A mask, and what choosing it took: floating point operations, 0 where the pattern does not depend on q and k. */
export interface Choice {
  readonly mask: BlockMask
  readonly flops: number
}

/** A way of choosing pairs that keeps more of them the larger `share` is: from 0, the least, to 1, all. */
export interface Selector {
  readonly name: string
  choose(inputs: AttentionInputs, blockShape: readonly number[], share: number, seed: number): Choice
}

const fixed = (mask: BlockMask): Choice => ({ mask, flops: 0 })
const chosen = ({ mask, cost }: { mask: BlockMask; cost: { flops: number } }): Choice => ({ mask, flops: cost.flops })

/** That share of the blocks of a row without a mask, at least one: rows with fewer keep all, as they do in a window. */
function blocksOf(k: Tensor, blockShape: readonly number[], share: number): number {
  return Math.max(1, Math.round(share * Math.ceil(k.shape[1] / blockShape[1])))
}

/** The first keys and those around a query's own: what nearly every head attends to. */
function keptLines(blockShape: readonly number[]) {
  return { sinks: blockShape[1], window: blockShape[1] }
}

/** The size of a pattern for one head that all share. */
function sizeOf({ q, k }: AttentionInputs, blockShape: readonly number[]) {
  return { blockShape, rows: q.shape[1], columns: k.shape[1] }
}

/** Those that choose from q and k, the best possible one, and two that look at nothing. */
export const selectors: readonly Selector[] = [
  {
    name: 'exact',
    choose: ({ q, k, causal }, blockShape, share) =>
      chosen(selection.exact(q, k, { blockShape, causal, topK: blocksOf(k, blockShape, share) })),
  },
  {
    name: 'pooled',
    choose: ({ q, k, causal }, blockShape, share) =>
      chosen(selection.pooled(q, k, { blockShape, causal, topK: blocksOf(k, blockShape, share) })),
  },
  {
    name: 'pooled and sinks',
    choose: ({ q, k, causal }, blockShape, share) => {
      const topK = blocksOf(k, blockShape, share)
      return chosen(selection.pooled(q, k, { blockShape, causal, topK, sinkBlocks: 1 }))
    },
  },
  {
    name: 'vertical-slash',
    choose: ({ q, k, causal }, blockShape, density) => {
      const budgets = { vertical: { density }, slash: { density } }
      return chosen(selection.verticalSlash(q, k, { blockShape, causal, ...budgets, ...keptLines(blockShape) }))
    },
  },
  {
    name: 'stripes',
    choose: ({ q, k, causal }, blockShape, density) =>
      chosen(selection.stripes(q, k, { blockShape, causal, density, ...keptLines(blockShape) })),
  },
  {
    name: 'flexible',
    choose: ({ q, k, causal }, blockShape, threshold) =>
      chosen(selection.flexible(q, k, { blockShape, causal, threshold, sinkBlocks: 1 })),
  },
  {
    name: 'sliding window and sinks',
    choose: (inputs, blockShape, share) =>
      fixed(
        patterns.slidingWindow({
          ...sizeOf(inputs, blockShape),
          causal: inputs.causal,
          window: Math.round(share * inputs.k.shape[1]),
          sinks: blockShape[1],
        }),
      ),
  },
  {
    name: 'random blocks',
    choose: (inputs, blockShape, share, seed) => {
      const perRow = blocksOf(inputs.k, blockShape, share)
      return fixed(patterns.randomBlocks({ ...sizeOf(inputs, blockShape), causal: inputs.causal, perRow, seed }))
    },
  },
]

/** Pairs that dense attention of a sequence with itself computes for one head. */
export function allPairs({ q, causal }: AttentionInputs): number {
  const tokens = q.shape[1]
  return causal ? (tokens * (tokens + 1)) / 2 : tokens ** 2
}

/** Share of the pairs that a mask leaves out. */
export function sparsityOf(mask: BlockMask, inputs: AttentionInputs): number {
  return 1 - blockMask.keptPairs(mask) / (mask.heads * allPairs(inputs))
}

/** The choice whose sparsity comes closest to the one asked for, found by halving the range of shares. */
export function chooseAt(
  selector: Selector,
  inputs: AttentionInputs,
  { blockShape, sparsity, seed }: { blockShape: readonly number[]; sparsity: number; seed: number },
): Choice & { sparsity: number } {
  let [low, high] = [0, 1]
  let best: (Choice & { sparsity: number }) | undefined
  for (let step = 0; step < 10; step++) {
    const share = step === 0 ? 1 - sparsity : (low + high) / 2
    const choice = selector.choose(inputs, blockShape, share, seed)
    const reached = sparsityOf(choice.mask, inputs)
    if (best === undefined || Math.abs(reached - sparsity) < Math.abs(best.sparsity - sparsity))
      best = { ...choice, sparsity: reached }
    if (Math.abs(reached - sparsity) < 0.005) break
    if (reached > sparsity) low = share
    else high = share
  }
  return best!
}
