import type { Problem } from '@nnz/core'
import type { SparseWeights } from '@nnz/spmm'

/** One call of `sddmm`, as plain data. */
export interface SddmmProblem extends Problem {
  readonly operation: 'sddmm'
  readonly layout: 'csr' | 'bsr'
  /** Rows of the pattern and of a. */
  readonly m: number
  /** Columns of the pattern and of b. */
  readonly k: number
  /** Columns of a and rows of b: what each product is summed over. */
  readonly n: number
  /** Stored entries of the pattern. */
  readonly nnz: number
  readonly blockShape: readonly [number, number] | undefined
}

/** Describes a call whose products are summed over `n` elements. */
export function sddmmProblem(pattern: SparseWeights, n: number): SddmmProblem {
  return {
    operation: 'sddmm',
    layout: pattern.layout,
    m: pattern.shape[0],
    k: pattern.shape[1],
    n,
    nnz: pattern.nnz,
    blockShape: pattern.layout === 'bsr' ? pattern.blockShape : undefined,
  }
}

/** Floating point operations at the stored entries. */
export function sddmmFlops({ nnz, n }: SddmmProblem): number {
  return 2 * nnz * n
}

/** Bytes that one run must move at least: a and b once, an f32 result and a u16 index for each entry of a csr pattern. */
export function sddmmBytes({ layout, m, k, n, nnz }: SddmmProblem): number {
  return 4 * n * (m + k) + (layout === 'csr' ? 6 : 4) * nnz
}
