import { type BackendOption, describe, rangeError, type Tensor, typeError } from '@nnz/core'
import { type BlockMask, expectBlockMask } from './mask/block-mask.ts'
import type { AttentionShape } from './problem.ts'
import type { Lengths } from './ranges.ts'

/** Which pairs are attended, and how scores are scaled. */
export interface PatternOptions {
  /**
   * Pairs to compute; its rows are the queries, its columns the keys, and its heads 1, the query heads, or batch * heads.
   * Default: all.
   */
  mask?: BlockMask | undefined
  /**
   * Query i of n meets the keys up to i + (keys - n): the last query is aligned with the last key (of its sequence).
   * Default: false.
   */
  causal?: boolean | undefined
  /** Factor of the scores. Default: 1 / sqrt(headDim). */
  scale?: number | undefined
}

/** Where and with which kernel. */
export interface ExecutionOptions {
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  backend?: BackendOption | undefined
  /** Take this row of the table of kernels instead of the one predicted to be fastest. */
  kernel?: string | undefined
}

/** Options of a direct call of `attention`. */
export interface AttentionOptions extends PatternOptions, ExecutionOptions, Lengths {
  /** Written and returned as `output`, instead of a new tensor on the JS heap. */
  out?: Tensor | undefined
}

/** Options of a plan: the sizes (without a mask, tokens and keys are maxima), the pattern, and where to run. */
export interface AttentionPlanOptions extends PatternOptions, ExecutionOptions, Partial<AttentionShape> {
  heads: number
  tokens: number
  headDim: number
}

/** Checks that options are an object. */
export function expectOptions(options: unknown, name: string): void {
  if (typeof options !== 'object' || options === null)
    throw typeError('NNZ_TYPE', `${name}: expected options to be an object, got ${describe(options)}`)
}

/** A checked pattern. */
export interface CheckedPattern {
  readonly mask: BlockMask | undefined
  readonly causal: boolean
  readonly scale: number
}

/** Checks the pattern against the sizes. */
export function expectPattern(options: PatternOptions, shape: AttentionShape, name: string): CheckedPattern {
  const { causal = false, scale = 1 / Math.sqrt(shape.headDim) } = options
  if (typeof causal !== 'boolean')
    throw typeError('NNZ_TYPE', `${name}: expected causal to be true or false, got ${describe(causal)}`)
  if (typeof scale !== 'number')
    throw typeError('NNZ_TYPE', `${name}: expected scale to be a number, got ${describe(scale)}`)
  if (!Number.isFinite(scale)) throw rangeError('NNZ_VALUE', `${name}: expected a finite scale, got ${scale}`)
  if (options.mask === undefined) return { mask: undefined, causal, scale }
  const mask = expectBlockMask(options.mask, `${name}: mask`)
  const { batch, heads, tokens, keys } = shape
  if (mask.rows !== tokens || mask.columns !== keys)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: mask is ${mask.rows}x${mask.columns}, expected ${tokens}x${keys} (queries x keys)`,
    )
  if (![1, heads, batch * heads].includes(mask.heads))
    throw rangeError('NNZ_SHAPE', `${name}: mask has ${mask.heads} heads, expected 1, ${heads} or ${batch * heads}`)
  return { mask, causal, scale }
}
