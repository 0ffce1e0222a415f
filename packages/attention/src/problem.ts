import type { Problem } from '@nnz/core'
import type { BlockMask } from './mask/block-mask.ts'
import { keptPairs } from './mask/combine.ts'

/** The sizes of one attention. */
export interface AttentionShape {
  readonly batch: number
  /** Query heads. */
  readonly heads: number
  /** Key and value heads: a divisor of `heads`; query head h reads key head floor(h * keyHeads / heads). */
  readonly keyHeads: number
  /** Queries. */
  readonly tokens: number
  readonly keys: number
  readonly headDim: number
}

/** One call of `attention` or `attentionBackward`, as plain data. */
export interface AttentionProblem extends Problem, AttentionShape {
  readonly operation: 'attention' | 'attentionBackward'
  readonly causal: boolean
  readonly blockShape: readonly [number, number] | undefined
  /** Kept query-key pairs, over batch and heads. */
  readonly pairs: number
}

/** The largest headDim. */
export const LARGEST_HEAD_DIM = 256

/** Pairs that causal attention keeps for one head, the last query being aligned with the last key. */
function causalPairs(tokens: number, keys: number): number {
  const full = Math.min(tokens, keys)
  // Query i meets i + 1 + keys - tokens keys.
  return full * keys - (full * (full - 1)) / 2
}

/**
 * Describes a call. Where a mask is causal as well, its pairs beyond the diagonal are counted: give a mask that is causal
 * itself if the count should be exact.
 */
export function attentionProblem(
  operation: AttentionProblem['operation'],
  shape: AttentionShape,
  { mask, causal = false }: { mask?: BlockMask | undefined; causal?: boolean | undefined } = {},
): AttentionProblem {
  const { batch, heads, tokens, keys } = shape
  const perHead = mask ? keptPairs(mask) / mask.heads : causal ? causalPairs(tokens, keys) : tokens * keys
  const { keyHeads, headDim } = shape
  return {
    operation,
    n: tokens,
    batch,
    heads,
    keyHeads,
    tokens,
    keys,
    headDim,
    causal,
    blockShape: mask?.blockShape,
    pairs: batch * heads * perHead,
  }
}

/** Floating point operations on the kept pairs: two products forward, five backward. */
export function flops({ operation, pairs, headDim }: AttentionProblem): number {
  return (operation === 'attention' ? 4 : 10) * pairs * headDim
}

/** Bytes that one run must move at least: each operand once. */
export function bytes({ operation, batch, heads, keyHeads, tokens, keys, headDim }: AttentionProblem): number {
  const queries = batch * heads * tokens
  const pairs = batch * keyHeads * keys
  return operation === 'attention'
    ? 4 * (headDim * (2 * queries + 2 * pairs) + queries)
    : 4 * (headDim * (4 * queries + 4 * pairs) + queries)
}
