import {
  type BackendOption,
  BucketedPlan,
  type Explanation,
  expectValues,
  rangeError,
  registerDispose,
  resolveBackend,
  type Tensor,
  transposed,
} from '@nnz/core'
import type { SparseWeights } from '@nnz/spmm'
import {
  expectAccumulate,
  expectApart,
  expectColumns,
  expectFlag,
  expectLayout,
  expectOptions,
  expectSameShape,
  expectShaped,
  outputValues,
} from '../checks.ts'
import { COSTS } from '../cost-model.ts'
import { samePattern, withValues } from '../entries.ts'
import { sddmmKernels } from './kernels/index.ts'
import type { SddmmArguments } from './kernels/types.ts'
import { type SddmmProblem, sddmmBytes, sddmmFlops, sddmmProblem } from './problem.ts'

/** Options that fix what a plan of {@link sddmm} computes. */
export interface SddmmOptions {
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  backend?: BackendOption | undefined
  /** Multiply each product by the pattern's value there. Default: false. */
  scaleByValues?: boolean | undefined
  /** Take this row of the table of kernels instead of the one predicted to be fastest. */
  kernel?: string | undefined
  /** Bound on the bytes of all packings; throws RangeError if no kernel fits. */
  maxPackedBytes?: number | undefined
}

/** Options of a plan of {@link sddmm}. */
export interface SddmmPlanOptions extends SddmmOptions {
  /** The most elements that a run will sum over: columns of a, rows of b. */
  columns: number
}

/** Options of one run of a plan. */
export interface SddmmRunOptions {
  /** Written and returned: one number for each stored element of the pattern, in canonical order. */
  out?: Float32Array | undefined
  /** Add to `out`, which has to be given, instead of replacing it: gradients of several batches. Default: false. */
  accumulate?: boolean | undefined
}

const NAME = 'sddmm'

/** A pattern packed and kernels chosen, to be run many times. */
export class SddmmPlan implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #options: SddmmPlanOptions
  readonly #runs: number | undefined
  #pattern: SparseWeights
  #scale: Float32Array | undefined
  #inner: BucketedPlan<SddmmProblem, SparseWeights, SddmmArguments>

  /** Use `sddmm.plan`. `runs` is set by direct calls: packing has to pay within so many runs. */
  constructor(pattern: SparseWeights, options: SddmmPlanOptions, runs?: number) {
    const name = runs === undefined ? `${NAME}.plan` : NAME
    expectOptions(options, name)
    this.#pattern = expectLayout(pattern, `${name}: pattern`)
    expectColumns(options.columns, name)
    this.#options = options
    this.#runs = runs
    this.#scale = expectFlag(options.scaleByValues, false, `${name}: scaleByValues`) ? this.#pattern.values : undefined
    this.#inner = this.#plan()
  }

  #plan(): BucketedPlan<SddmmProblem, SparseWeights, SddmmArguments> {
    const { backend, columns, kernel, maxPackedBytes } = this.#options
    const pattern = this.#pattern
    return new BucketedPlan({
      kernels: sddmmKernels,
      weights: pattern,
      backend: resolveBackend(backend),
      costs: COSTS,
      problem: (n) => sddmmProblem(pattern, n),
      columns,
      flops: sddmmFlops,
      bytes: sddmmBytes,
      kernel,
      maxPackedBytes,
      runs: this.#runs,
    })
  }

  /**
   * Computes the products at the pattern's entries.
   *
   * @param a [M, N] and
   * @param b [N, K], any strides, N up to the plan's `columns`
   * @returns `out`, or new values in the pattern's canonical order; 0 for elements of edge blocks beyond the shape
   * @throws TypeError if an operand is not what it should be or the plan is disposed
   * @throws RangeError if shapes do not fit
   */
  run(a: Tensor, b: Tensor, options: SddmmRunOptions = {}): Float32Array {
    this.#inner.expectAlive()
    expectOptions(options, NAME)
    const [m, k] = this.#pattern.shape
    const left = expectShaped(a, [m, undefined], `${NAME}: a`)
    const n = left.shape[1]
    const right = expectShaped(b, [n, k], `${NAME}: b`)
    if (n > this.#options.columns)
      throw rangeError('NNZ_SHAPE', `${NAME}: a has ${n} columns, the plan is for at most ${this.#options.columns}`)
    const count = this.#pattern.values.length
    const out = outputValues(options.out, count, `${NAME}: out`)
    if (options.out) expectApart(out, `${NAME}: out`, { a, b, 'the values that scale it': this.#scale })
    const accumulate = expectAccumulate(options.accumulate, { out: options.out }, NAME)
    this.#inner.run(n, { a: left, b: transposed(right), out, scale: this.#scale, accumulate })
    return out
  }

  /**
   * Replaces the pattern's values, in canonical order: what `scaleByValues` multiplies by.
   *
   * @throws RangeError if there are not as many values as the pattern has
   */
  updateValues(values: ArrayLike<number>): void {
    this.#inner.expectAlive()
    const data = expectValues(values, this.#pattern.values.length, NAME)
    if (this.#scale) this.#scale = data.slice()
  }

  /**
   * Takes another pattern of the same shape and layout. Only values are taken where entries stand at the same places.
   *
   * @throws RangeError if shape or layout differ
   */
  updatePattern(pattern: SparseWeights): void {
    this.#inner.expectAlive()
    const next = expectLayout(pattern, `${NAME}: pattern`)
    expectSameShape(this.#pattern, next, NAME)
    if (!samePattern(this.#pattern, next)) {
      const before = this.#inner
      this.#pattern = next
      this.#inner = this.#plan()
      before.dispose()
    }
    if (this.#scale) this.#scale = next.values
  }

  /** Which kernel runs for how many columns, and why; flops, bytes and packed bytes. */
  explain(): Explanation {
    return this.#inner.explain()
  }

  /** Releases everything that the plan owns. Also done when the plan is forgotten. */
  dispose(): void {
    this.#inner.dispose()
  }
}

registerDispose(SddmmPlan.prototype)

/** For each kernel of the table: `true` if it supports the problem, else the reason why not. */
function supports(problem: SddmmProblem): Record<string, true | string> {
  return Object.fromEntries(sddmmKernels.map((kernel) => [kernel.name, kernel.supports(problem)]))
}

function run<W extends SparseWeights>(a: Tensor, b: Tensor, pattern: W, options: SddmmOptions = {}): W {
  expectOptions(options, NAME)
  const columns = expectShaped(a, [undefined, undefined], `${NAME}: a`).shape[1]
  const plan = new SddmmPlan(pattern, { ...options, columns }, 1)
  try {
    return withValues(pattern, plan.run(a, b))
  } finally {
    plan.dispose()
  }
}

/**
 * Sampled dense-dense product (SDDMM): (a·b) at the entries of a sparse pattern only, so that nothing dense is made.
 *
 * - `sddmm(a, b, pattern, { scaleByValues })`: a [M, N], b [N, K], any strides, pattern a csr or bsr [M, K]. Returns the
 *   pattern with the products as values. The scores of attention over a graph are
 *   `sddmm(q, transposed(k), graph)`.
 * - `sddmm.plan(pattern, { columns })` packs the pattern once; its `run` returns the values alone. See {@link SddmmPlan}.
 * - `sddmm.kernels` are the rows of the table, `sddmm.supports(problem)` says which of them can run a problem.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit
 */
export const sddmm = Object.assign(run, {
  plan: (pattern: SparseWeights, options: SddmmPlanOptions): SddmmPlan => new SddmmPlan(pattern, options),
  kernels: sddmmKernels,
  supports,
})
