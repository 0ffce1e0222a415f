import type { Kernel, Problem } from '@nnz/core'
import type { BlockMask } from '../mask/block-mask.ts'
import type { Heads } from '../operands.ts'
import type { AttentionProblem } from '../problem.ts'
import type { KeyRanges } from '../ranges.ts'

/** What a kernel packs: the pattern, of which only the structure matters. */
export interface Pattern {
  readonly mask: BlockMask | undefined
}

/** Checked operands of one forward run. */
export interface AttentionArguments {
  readonly q: Heads
  readonly k: Heads
  readonly v: Heads
  readonly ranges: KeyRanges
  readonly scale: number
  readonly output: Heads
  /** [batch, heads, tokens]. */
  readonly logSumExp: Float32Array
}

/** Checked operands of one backward run. */
export interface BackwardArguments extends AttentionArguments {
  readonly dOutput: Heads
  readonly dQ: Heads
  readonly dK: Heads
  readonly dV: Heads
}

/** A row of the table for `attention`. */
export type AttentionKernel = Kernel<AttentionProblem, Pattern, AttentionArguments>

/** A row of the table for `attentionBackward`. */
export type BackwardKernel = Kernel<AttentionProblem, Pattern, BackwardArguments>

/** `true` for problems of an operation, else the reason why not. */
export function isFor(operation: string, problem: Problem): true | string {
  return problem.operation === operation || `is for ${operation}, this is ${problem.operation}`
}

/** Counts that the time of packing a pattern is linear in: the kept blocks, as if each were full. */
export function packingFeatures({ pairs, blockShape }: AttentionProblem): readonly number[] {
  return [1, blockShape ? pairs / (blockShape[0] * blockShape[1]) : 0]
}
