import {
  type BackendOption,
  BucketedPlan,
  type Csr,
  describe,
  type Explanation,
  rangeError,
  registerDispose,
  resolveBackend,
  toFloat32,
} from '@nnz/core'
import { expectApart, expectCsr, expectOptions, outputValues } from '../checks.ts'
import { COSTS } from '../cost-model.ts'
import { withValues } from '../entries.ts'
import { softmaxBackwardKernels, softmaxKernels } from './kernels.ts'
import { type SoftmaxArguments, type SoftmaxProblem, softmaxBytes, softmaxFlops, softmaxProblem } from './problem.ts'

/** Options of {@link sparseSoftmax} and {@link sparseSoftmaxBackward}. */
export interface SoftmaxOptions {
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  backend?: BackendOption | undefined
  /** Scores are multiplied by it first. Default: 1. */
  scale?: number | undefined
  /** Take this row of the table of kernels. */
  kernel?: string | undefined
}

/** What both plans hold: the pattern's kernel. */
class RowPlan implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #inner: BucketedPlan<SoftmaxProblem, Csr, SoftmaxArguments>
  readonly #name: SoftmaxProblem['operation']
  readonly #scale: number
  readonly #nnz: number

  constructor(operation: SoftmaxProblem['operation'], pattern: Csr, options: SoftmaxOptions) {
    const scale = options.scale ?? 1
    if (typeof scale !== 'number' || !Number.isFinite(scale))
      throw rangeError('NNZ_VALUE', `${operation}: expected scale to be a finite number, got ${describe(scale)}`)
    this.#name = operation
    this.#scale = scale
    this.#nnz = pattern.nnz
    this.#inner = new BucketedPlan({
      kernels: operation === 'sparseSoftmax' ? softmaxKernels : softmaxBackwardKernels,
      weights: pattern,
      backend: resolveBackend(options.backend),
      costs: COSTS,
      problem: () => softmaxProblem(operation, pattern),
      columns: 1,
      flops: softmaxFlops,
      bytes: softmaxBytes,
      kernel: options.kernel,
      runs: 1,
    })
  }

  protected expectValues(values: ArrayLike<number>, what: string): Float32Array {
    this.#inner.expectAlive()
    const data = toFloat32(values, `${this.#name}: ${what}`)
    if (data.length !== this.#nnz)
      throw rangeError('NNZ_SHAPE', `${this.#name}: ${what} has ${data.length} elements, expected ${this.#nnz}`)
    return data
  }

  protected apply(input: Float32Array, weights: Float32Array | undefined, out: Float32Array | undefined): Float32Array {
    const name = `${this.#name}: out`
    const result = outputValues(out, this.#nnz, name)
    // In place means at the same address: rows that are shifted would be read after they were written.
    const inPlace = (operand: Float32Array | undefined) =>
      operand?.buffer === result.buffer && operand.byteOffset === result.byteOffset
    const operands = this.#name === 'sparseSoftmax' ? { scores: input } : { gradients: input, weights }
    expectApart(result, name, Object.fromEntries(Object.entries(operands).filter(([, operand]) => !inPlace(operand))))
    this.#inner.run(1, { input, weights, scale: this.#scale, out: result })
    return result
  }

  /** Which kernel runs, and why. */
  explain(): Explanation {
    return this.#inner.explain()
  }

  /** Releases what the plan holds. */
  dispose(): void {
    this.#inner.dispose()
  }
}

registerDispose(RowPlan.prototype)

/** A softmax over the rows of one pattern, to be run many times. */
export class SoftmaxPlan extends RowPlan {
  /** Use `sparseSoftmax.plan`. */
  constructor(pattern: Csr, options: SoftmaxOptions = {}) {
    expectOptions(options, 'sparseSoftmax.plan')
    super('sparseSoftmax', expectCsr(pattern, 'sparseSoftmax: scores'), options)
  }

  /**
   * @param scores one number for each entry of the pattern
   * @returns `out` (which may be `scores`), or new values
   * @throws RangeError if `out` overlaps `scores` without being it
   */
  run(scores: ArrayLike<number>, options: { out?: Float32Array | undefined } = {}): Float32Array {
    expectOptions(options, 'sparseSoftmax')
    return this.apply(this.expectValues(scores, 'scores'), undefined, options.out)
  }
}

/** The backward pass of a softmax over the rows of one pattern, to be run many times. */
export class SoftmaxBackwardPlan extends RowPlan {
  /** Use `sparseSoftmaxBackward.plan`. */
  constructor(pattern: Csr, options: SoftmaxOptions = {}) {
    expectOptions(options, 'sparseSoftmaxBackward.plan')
    super('sparseSoftmaxBackward', expectCsr(pattern, 'sparseSoftmaxBackward: weights'), options)
  }

  /**
   * @param weights what the forward pass returned
   * @param gradients of the weights
   * @returns `out` (which may be either input), or new values: gradients of the scores
   * @throws RangeError if `out` overlaps an input without being it
   */
  run(
    weights: ArrayLike<number>,
    gradients: ArrayLike<number>,
    options: { out?: Float32Array | undefined } = {},
  ): Float32Array {
    expectOptions(options, 'sparseSoftmaxBackward')
    return this.apply(this.expectValues(gradients, 'gradients'), this.expectValues(weights, 'weights'), options.out)
  }
}

function forward(scores: Csr, options: SoftmaxOptions = {}): Csr {
  const plan = new SoftmaxPlan(scores, options)
  try {
    return withValues(scores, plan.run(scores.values))
  } finally {
    plan.dispose()
  }
}

function backward(weights: Csr, gradients: ArrayLike<number>, options: SoftmaxOptions = {}): Csr {
  const plan = new SoftmaxBackwardPlan(weights, options)
  try {
    return withValues(weights, plan.run(weights.values, gradients))
  } finally {
    plan.dispose()
  }
}

/**
 * Softmax over the stored entries of each row of a csr: exp(scale s) / Σ exp(scale s). With {@link sddmm} before and `spmm`
 * behind it, it is attention over any graph (graph attention, arXiv 1710.10903).
 *
 * - `sparseSoftmax(scores, { scale })` returns the pattern with the weights as values.
 * - `sparseSoftmax.plan(pattern, { scale })`: `run(scores)` returns values alone; see {@link SoftmaxPlan}.
 *
 * A row without entries has no sum, one whose scores are all -Infinity gives zeros.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if lengths do not fit
 */
export const sparseSoftmax = Object.assign(forward, {
  plan: (pattern: Csr, options?: SoftmaxOptions): SoftmaxPlan => new SoftmaxPlan(pattern, options),
  kernels: softmaxKernels,
})

/**
 * Gradients of the scores of {@link sparseSoftmax}: scale · w · (g - Σ w g).
 *
 * - `sparseSoftmaxBackward(weights, gradients, { scale })`: what the forward call returned, and the gradients of its values.
 * - `sparseSoftmaxBackward.plan(pattern, { scale })`; see {@link SoftmaxBackwardPlan}.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if lengths do not fit
 */
export const sparseSoftmaxBackward = Object.assign(backward, {
  plan: (pattern: Csr, options?: SoftmaxOptions): SoftmaxBackwardPlan => new SoftmaxBackwardPlan(pattern, options),
  kernels: softmaxBackwardKernels,
})
