import { isTensor, rangeError, type Tensor } from '@nnz/core'
import { expectMaskShape } from '../mask/block-mask.ts'
import { expectExtent } from '../mask/checks.ts'
import { expectOptions } from '../options.ts'
import type { MethodOptions } from './checks.ts'
import type { CompressionOptions } from './compress.ts'

/** The branches of NSA, in the order of the gates. */
export const NSA_BRANCHES = ['compressed', 'selected', 'window'] as const

/** A branch of NSA. */
export type NsaBranch = (typeof NSA_BRANCHES)[number]

/** One tensor for all branches, or one for each, as the paper trains it. */
export type PerBranch = Tensor | Readonly<Record<NsaBranch, Tensor>>

/** Options of NSA. Defaults are those of the paper. */
export interface NsaOptions extends MethodOptions {
  /** Runs of tokens that become one. Default: 32 tokens, every 16. */
  compression?: Pick<CompressionOptions, 'length' | 'stride'> | undefined
  /** Weights of the tokens of a run. Default: the mean. */
  keyWeights?: ArrayLike<number> | undefined
  valueWeights?: ArrayLike<number> | undefined
  selection?: NsaSelection | undefined
  /** Tokens of the sliding window, the query's own included. Default: 512. */
  window?: number | undefined
}

/** Which blocks of keys are attended whole. */
export interface NsaSelection {
  /** Queries that share a choice, and keys of a block (a multiple of the compression's stride). Default: [1, 64]. */
  blockShape?: readonly number[] | undefined
  /** Blocks of a choice, the following included. Default: 16. */
  count?: number | undefined
  /** Blocks at the beginning that are always taken. Default: 1. */
  initial?: number | undefined
  /** Blocks up to the query's own that are always taken. Default: 2. */
  local?: number | undefined
}

/** Checked options. */
export interface CheckedNsa {
  readonly length: number
  readonly stride: number
  readonly blockShape: readonly [number, number]
  readonly count: number
  readonly initial: number
  readonly local: number
  readonly window: number
  readonly execution: MethodOptions
}

/** The tensor of a branch. */
export function ofBranch(x: PerBranch, branch: NsaBranch): Tensor {
  return isTensor(x) ? x : (x as Record<NsaBranch, Tensor>)?.[branch]
}

/** Checks the options of NSA. */
export function expectNsa(options: NsaOptions, name: string): CheckedNsa {
  expectOptions(options, name)
  const { compression = { length: 32, stride: 16 }, selection = {}, window = 512, scale, backend } = options
  expectOptions(compression, `${name}: compression`)
  expectOptions(selection, `${name}: selection`)
  const { length, stride } = compression
  const { blockShape = [1, 64], count = 16, initial = 1, local = 2 } = selection
  expectExtent(length, 1, `${name}: compression.length`)
  expectExtent(stride, 1, `${name}: compression.stride`)
  const shape = expectMaskShape({ blockShape, rows: 0, columns: 0 }, `${name}: selection`).blockShape
  if (length % stride !== 0 || shape[1] % stride !== 0)
    throw rangeError(
      'NNZ_VALUE',
      `${name}: expected the stride (${stride}) to divide the compression's length (${length}) and the keys of a block (${shape[1]})`,
    )
  expectExtent(count, 1, `${name}: selection.count`)
  expectExtent(initial, 0, `${name}: selection.initial`)
  expectExtent(local, 1, `${name}: selection.local`)
  expectExtent(window, 1, `${name}: window`)
  return { length, stride, blockShape: shape, count, initial, local, window, execution: { scale, backend } }
}
