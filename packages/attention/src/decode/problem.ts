import type { Kernel, Problem } from '@nnz/core'
import type { Heads } from '../operands.ts'
import type { KeyValueCache } from './cache.ts'

/** One call of `decodeAttention`, as plain data. */
export interface DecodeProblem extends Problem {
  readonly operation: 'decodeAttention'
  readonly heads: number
  readonly keyHeads: number
  /** Queries of each head. */
  readonly tokens: number
  readonly headDim: number
  readonly pageSize: number
  /** Pages that a run can read. */
  readonly pages: number
}

/** Blocks to attend to: for all key heads the same list, or one for each key head. */
export type BlockLists = readonly (readonly number[])[]

/** Checked operands of one run. */
export interface DecodeArguments {
  readonly q: Heads
  readonly scale: number
  readonly causal: boolean
  /** One list, or one for each key head; no evicted block among them. */
  readonly blocks: BlockLists
  readonly output: Heads
  readonly logSumExp: Float32Array
}

/** A row of the table for `decodeAttention`: it packs nothing, the cache is its operand. */
export type DecodeKernel = Kernel<DecodeProblem, KeyValueCache, DecodeArguments>

/** Floating point operations of a run that reads every page. */
export function decodeFlops({ heads, tokens, headDim, pages, pageSize }: DecodeProblem): number {
  return 4 * heads * tokens * headDim * pages * pageSize
}

/** Bytes of a run that reads every page: keys and values once. */
export function decodeBytes({ keyHeads, headDim, pages, pageSize }: DecodeProblem): number {
  return 8 * keyHeads * headDim * pages * pageSize
}

/** Positions that query `token` of `tokens` sees: the last query sees all. */
export function visible(length: number, tokens: number, token: number, causal: boolean): number {
  return causal ? length - tokens + token + 1 : length
}
