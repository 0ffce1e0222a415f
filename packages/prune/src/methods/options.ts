import { describe, expectOptions, rangeError } from '@nnz/core'
import type { LayerWeights } from '../network.ts'
import { keptOf, type Pattern, unitsOf } from '../pattern/pattern.ts'
import type { Scope } from '../pattern/select.ts'

/** How many weights of a layer are kept, and where. */
export interface MaskOptions {
  /** Where zeros may lie. Default: unstructured. */
  readonly pattern?: Pattern | undefined
  /** Share of zeros, 0..1; `nm` and `grouped-nm` have theirs already. */
  readonly sparsity?: number | undefined
  /** How many entries are kept, instead of a sparsity. */
  readonly kept?: number | undefined
  /** Among what scores are compared: the whole layer or each row for itself. */
  readonly scope?: Scope | undefined
}

/** Checks a sparsity. */
export function expectSparsity(sparsity: unknown, name: string): number {
  if (!((sparsity as number) >= 0 && (sparsity as number) <= 1))
    throw rangeError('NNZ_VALUE', `${name}: expected a sparsity in 0..1, got ${describe(sparsity)}`)
  return sparsity as number
}

/**
 * The pattern, and how many entries of a layer are kept.
 *
 * @throws RangeError if neither a sparsity nor a number says so, or both do
 */
export function maskOptions(
  { rows, columns }: LayerWeights,
  options: MaskOptions,
  name: string,
): { pattern: Pattern; kept: number } {
  expectOptions(options, name)
  const { pattern = { kind: 'unstructured' }, sparsity, kept } = options
  if (unitsOf(pattern, name).nm) return { pattern, kept: 0 }
  if ((sparsity === undefined) === (kept === undefined))
    throw rangeError('NNZ_VALUE', `${name}: expected either sparsity or kept`)
  return { pattern, kept: kept ?? keptOf(rows * columns, expectSparsity(sparsity, name)) }
}
