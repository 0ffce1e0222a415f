import { type Bsr, type Csr, describe, ensureChecked, type Problem, typeError } from '@nnz/core'

/** Sparse weights that `spmm` and `linear` take. */
export type SparseWeights = Csr | Bsr

/** Activations applied to the product, after bias and residual. See {@link ACTIVATIONS}. */
export type Activation = 'none' | 'relu' | 'gelu' | 'gelu-tanh' | 'silu' | 'swiglu'

/**
 * `gelu` is the exact form x·Φ(x) with the error function, `gelu-tanh` its tanh approximation (Hendrycks and Gimpel,
 * arXiv 1606.08415), `silu` x·σ(x), and `swiglu` silu(first half of the rows) times the second half (Shazeer,
 * arXiv 2002.05202), so that the output has half as many rows as w.
 */
export const ACTIVATIONS: readonly Activation[] = ['none', 'relu', 'gelu', 'gelu-tanh', 'silu', 'swiglu']

/** One call of `spmm` or `linear`, as plain data. */
export interface SpmmProblem extends Problem {
  readonly operation: 'spmm' | 'linear'
  readonly layout: 'csr' | 'bsr'
  /** Rows of w. */
  readonly m: number
  /** Columns of w. */
  readonly k: number
  /** Columns of x, or tokens. */
  readonly n: number
  /** Stored entries of w. */
  readonly nnz: number
  readonly blockShape: readonly [number, number] | undefined
  readonly activation: Activation
}

/** Rows of the output: half of w's for gated activations. */
export function outputRows(problem: { m: number; activation: Activation }): number {
  return problem.activation === 'swiglu' ? problem.m / 2 : problem.m
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
