import { type BackendOption, type Explanation, expectMatrix, registerDispose, type Tensor } from '@nnz/core'
import { type SparseWeights, SpmmPlan } from '@nnz/spmm'
import { expectColumns, expectLayout, expectOptions } from '../checks.ts'
import { TransposedPlan } from '../transposed/plan.ts'

/** Options that fix what a product computes. */
export interface ProductOptions {
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  backend?: BackendOption | undefined
  /** Multiply by wᵀ instead of w. Default: false. */
  transposed?: boolean | undefined
  /** Take this row of the table of `spmm`. */
  kernel?: string | undefined
  /** Keep dense kernels out. Default: false. */
  strictNonFinite?: boolean | undefined
}

/** Options of a plan. */
export interface ProductPlanOptions extends ProductOptions {
  /** The most columns (of x on the right) or rows (of x on the left) that a run will have. */
  columns: number
}

/** A product with sparse weights on one side, packed once. */
export class SparseProductPlan implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #inner: SpmmPlan | TransposedPlan

  /** Use `sparseDense.plan` or `denseSparse.plan`. */
  constructor(name: 'sparseDense' | 'denseSparse', w: SparseWeights, options: ProductPlanOptions, runs?: number) {
    expectOptions(options, name)
    const weights = expectLayout(w, `${name}: w`)
    expectColumns(options.columns, name)
    const { transposed = false } = options
    // x·w is (wᵀ·xᵀ)ᵀ: token-major, and transposed once more.
    const operation = name === 'sparseDense' ? 'spmm' : 'linear'
    const turned = operation === 'linear' ? !transposed : transposed
    this.#inner = turned
      ? new TransposedPlan(operation, weights, options, name, runs)
      : new SpmmPlan(operation, weights, options, runs)
  }

  /** @returns `out`, or a new tensor on the JS heap */
  run(x: Tensor, options: { out?: Tensor | undefined } = {}): Tensor {
    return this.#inner.run(x, { out: options.out })
  }

  /** Replaces the values of w, in its canonical order. */
  updateValues(values: ArrayLike<number>): void {
    this.#inner.updateValues(values)
  }

  /** Which kernel runs for how many columns, and why. */
  explain(): Explanation {
    return this.#inner.explain()
  }

  /** Releases everything that the plan owns. */
  dispose(): void {
    this.#inner.dispose()
  }
}

registerDispose(SparseProductPlan.prototype)

/** Options of a direct call. */
export interface ProductCallOptions extends ProductOptions {
  /** Written and returned, instead of a new tensor on the JS heap. */
  out?: Tensor | undefined
}

function run(name: 'sparseDense' | 'denseSparse', w: SparseWeights, x: Tensor, options: ProductCallOptions): Tensor {
  expectOptions(options, name)
  const columns = expectMatrix(x, `${name}: x`).shape[name === 'sparseDense' ? 1 : 0]
  const plan = new SparseProductPlan(name, w, { ...options, columns }, 1)
  try {
    return plan.run(x, options)
  } finally {
    plan.dispose()
  }
}

/**
 * Sparse times dense, w·x or with `{ transposed: true }` wᵀ·x: w a csr or bsr, x any strides (so that `transposed(x)` needs
 * no copy). With {@link denseSparse} and {@link sddmm} these are all products that block-sparse layers need, in every
 * transposition (Gray et al., GPU kernels for block-sparse weights, 2017).
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit
 */
export const sparseDense = Object.assign(
  (w: SparseWeights, x: Tensor, options: ProductCallOptions = {}): Tensor => run('sparseDense', w, x, options),
  {
    plan: (w: SparseWeights, options: ProductPlanOptions): SparseProductPlan =>
      new SparseProductPlan('sparseDense', w, options),
  },
)

/** Dense times sparse, x·w or with `{ transposed: true }` x·wᵀ. Otherwise as {@link sparseDense}. */
export const denseSparse = Object.assign(
  (x: Tensor, w: SparseWeights, options: ProductCallOptions = {}): Tensor => run('denseSparse', w, x, options),
  {
    plan: (w: SparseWeights, options: ProductPlanOptions): SparseProductPlan =>
      new SparseProductPlan('denseSparse', w, options),
  },
)
