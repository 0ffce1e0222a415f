import {
  type Activation,
  type Bsr,
  type CompactBsr,
  type CompactCsr,
  type CompactType,
  type Csr,
  describe,
  ensureCheckedValues,
  isCompact,
  outputRows,
  type ProductProblem,
  typeError,
} from '@nnz/core'

/** Sparse weights with f32 values. */
export type SparseWeights = Csr | Bsr

/** Sparse weights with values in a compact type. */
export type CompactWeights = CompactCsr | CompactBsr

/** What `spmm` and `linear` take. */
export type AnyWeights = SparseWeights | CompactWeights

/** One call of `spmm` or `linear`, as plain data. */
export interface SpmmProblem extends ProductProblem {
  readonly operation: 'spmm' | 'linear'
  readonly layout: 'csr' | 'bsr'
  /** Stored entries of w. */
  readonly nnz: number
  readonly blockShape: readonly [number, number] | undefined
  /** How values are stored; undefined for f32. */
  readonly valueType?: CompactType | undefined
  /** Columns that share a scale, for i8 values. */
  readonly groupColumns?: number | undefined
}

/** Describes a call on `n` columns. */
export function spmmProblem(
  operation: 'spmm' | 'linear',
  w: AnyWeights,
  n: number,
  activation: Activation,
): SpmmProblem {
  const values = isCompact<SparseWeights>(w) ? w.values : undefined
  return {
    operation,
    orientation: operation === 'linear' ? 'tokens' : 'columns',
    layout: w.layout,
    m: w.shape[0],
    k: w.shape[1],
    n,
    nnz: w.nnz,
    blockShape: w.layout === 'bsr' ? w.blockShape : undefined,
    activation,
    valueType: values?.type,
    groupColumns: values?.type === 'i8' ? values.groupColumns : undefined,
  }
}

/** Floating point operations on the stored entries. */
export function flops(problem: SpmmProblem): number {
  return 2 * problem.nnz * problem.n
}

const VALUE_BYTES = { f32: 4, f16: 2, bf16: 2, i8: 1 } as const

/** Bytes that one run must move at least: a value and a u16 index for each entry, x once, y once. */
export function bytes(problem: SpmmProblem): number {
  const value = VALUE_BYTES[problem.valueType ?? 'f32']
  const entries = (problem.layout === 'csr' ? value + 2 : value) * problem.nnz
  return entries + 4 * problem.n * (problem.k + outputRows(problem))
}

/** Checks that a value is a layout that its constructor has checked. */
export function expectWeights(w: unknown, name: string): AnyWeights {
  const layout = typeof w === 'object' && w !== null && 'layout' in w ? w.layout : undefined
  if (layout === 'csr' || layout === 'bsr') return ensureCheckedValues(w as AnyWeights)
  const swapped = typeof w === 'object' && w !== null && 'dtype' in w ? ' (are the arguments swapped?)' : ''
  throw typeError('NNZ_TYPE', `${name}: expected w to be a csr or bsr layout, got ${describe(w)}${swapped}`)
}
