import {
  type Activation,
  type CompactNm,
  type CompactNmg,
  type CompactType,
  describe,
  ensureCheckedNm,
  isCompact,
  type Nm,
  type Nmg,
  nm,
  outputRows,
  type ProductProblem,
  rowEntries,
  typeError,
} from '@nnz/core'

/** N:M weights with f32 values. */
export type NmWeights = Nm | Nmg

/** N:M weights with values in a compact type. */
export type CompactNmWeights = CompactNm | CompactNmg

/** Weights that the operations of this package take. */
export type AnyNmWeights = NmWeights | CompactNmWeights

/** The products: w·x, x·wᵀ on token-major activations, and wᵀ·dy. */
export type NmOperation = 'nmGemm' | 'nmLinear' | 'nmGemmTransposed'

/** One call, as plain data. `m` and `k` are rows and columns of the matrix that multiplies: of wᵀ for `nmGemmTransposed`. */
export interface NmProblem extends ProductProblem {
  readonly operation: NmOperation
  readonly layout: 'nm' | 'nmg'
  /** n columns of each group of m, the same in g neighbouring rows (1 for nm), along the columns of w. */
  readonly pattern: { readonly n: number; readonly m: number; readonly g: number }
  /** Stored entries of w. */
  readonly nnz: number
  /** Whether w is N:M along its columns, too, so that its transposed form is packed alike; only asked for `nmGemmTransposed`. */
  readonly transposable: boolean
  /** How values are stored; undefined for f32. */
  readonly valueType?: CompactType | undefined
  /** Columns that share a scale, for i8 values. */
  readonly groupColumns?: number | undefined
}

/** Rows and columns of the matrix that multiplies. */
export function productShape(
  operation: NmOperation,
  { shape: [rows, columns] }: AnyNmWeights,
): readonly [number, number] {
  return operation === 'nmGemmTransposed' ? [columns, rows] : [rows, columns]
}

const transposable = new WeakMap<object, boolean>()

/** Whether every column of nm weights keeps as many of each group of m rows as every row of a group of columns. */
function isTransposable(w: AnyNmWeights): boolean {
  if (w.layout !== 'nm') return false
  let known = transposable.get(w)
  if (known === undefined) {
    known = countsAreRegular(w)
    transposable.set(w, known)
  }
  return known
}

function countsAreRegular(w: Nm | CompactNm): boolean {
  const [rows, width] = w.shape
  const entries = rowEntries(w)
  const columns = nm.columnIndices(w)
  const counts = new Uint8Array(width)
  for (let top = 0; top < rows; top += w.m) {
    const bottom = Math.min(top + w.m, rows)
    counts.fill(0)
    for (let i = top * entries; i < bottom * entries; i++) counts[columns[i]]++
    if (counts.some((count) => count !== Math.min(w.n, bottom - top))) return false
  }
  return true
}

/** Describes a call on `n` columns. */
export function nmProblem(operation: NmOperation, w: AnyNmWeights, n: number, activation: Activation): NmProblem {
  const [m, k] = productShape(operation, w)
  const values = isCompact<NmWeights>(w) ? w.values : undefined
  return {
    operation,
    orientation: operation === 'nmLinear' ? 'tokens' : 'columns',
    layout: w.layout,
    pattern: { n: w.n, m: w.m, g: w.g },
    m,
    k,
    n,
    nnz: w.nnz,
    transposable: operation === 'nmGemmTransposed' && isTransposable(w),
    activation,
    valueType: values?.type,
    groupColumns: values?.type === 'i8' ? values.groupColumns : undefined,
  }
}

/** Floating point operations on the stored entries. */
export function flops(problem: NmProblem): number {
  return 2 * problem.nnz * problem.n
}

const VALUE_BYTES = { f32: 4, f16: 2, bf16: 2, i8: 1 } as const

/** Bytes that one run must move at least: values and packed indices, x once, y once. */
export function bytes(problem: NmProblem): number {
  const { nnz, n, k, pattern, valueType = 'f32' } = problem
  const indices = (nnz / pattern.g) * (Math.ceil(Math.log2(pattern.m)) / 8)
  return VALUE_BYTES[valueType] * nnz + Math.ceil(indices) + 4 * n * (k + outputRows(problem))
}

/** Checks that a value is a layout that its constructor has checked. */
export function expectWeights(w: unknown, name: string): AnyNmWeights {
  const layout = typeof w === 'object' && w !== null && 'layout' in w ? w.layout : undefined
  if (layout !== 'nm' && layout !== 'nmg') {
    const swapped = typeof w === 'object' && w !== null && 'dtype' in w ? ' (are the arguments swapped?)' : ''
    throw typeError('NNZ_TYPE', `${name}: expected w to be an nm or nmg layout, got ${describe(w)}${swapped}`)
  }
  return ensureCheckedNm(w as AnyNmWeights)
}
