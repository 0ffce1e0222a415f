import {
  type Activation,
  type Bsr,
  type Csr,
  describe,
  ensureChecked,
  outputRows,
  type ProductProblem,
  typeError,
} from '@nnz/core'

/** Sparse weights that `spmm` and `linear` take. */
export type SparseWeights = Csr | Bsr

/** One call of `spmm` or `linear`, as plain data. */
export interface SpmmProblem extends ProductProblem {
  readonly operation: 'spmm' | 'linear'
  readonly layout: 'csr' | 'bsr'
  /** Stored entries of w. */
  readonly nnz: number
  readonly blockShape: readonly [number, number] | undefined
}

/** Describes a call on `n` columns. */
export function spmmProblem(
  operation: 'spmm' | 'linear',
  w: SparseWeights,
  n: number,
  activation: Activation,
): SpmmProblem {
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
  }
}

/** Floating point operations on the stored entries. */
export function flops(problem: SpmmProblem): number {
  return 2 * problem.nnz * problem.n
}

/** Bytes that one run must move at least: an f32 value and a u16 index for each entry, x once, y once. */
export function bytes(problem: SpmmProblem): number {
  const entries = problem.layout === 'csr' ? 6 * problem.nnz : 4 * problem.nnz
  return entries + 4 * problem.n * (problem.k + outputRows(problem))
}

/** Checks that a value is a layout that its constructor has checked. */
export function expectWeights(w: unknown, name: string): SparseWeights {
  const layout = typeof w === 'object' && w !== null && 'layout' in w ? w.layout : undefined
  if (layout === 'csr' || layout === 'bsr') return ensureChecked(w as SparseWeights)
  const swapped = typeof w === 'object' && w !== null && 'dtype' in w ? ' (are the arguments swapped?)' : ''
  throw typeError('NNZ_TYPE', `${name}: expected w to be a csr or bsr layout, got ${describe(w)}${swapped}`)
}
