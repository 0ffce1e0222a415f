import { type BackendOption, resolveBackend } from '../backends/resolve.ts'
import { registerDispose } from '../dispose.ts'
import { describe, rangeError, typeError } from '../errors.ts'
import { BucketedPlan } from '../plan/bucketed-plan.ts'
import type { Explanation } from '../plan/explanation.ts'
import { expectMatrix, expectOutput, overlaps, type Tensor, toFloat32, zeros } from '../tensor.ts'
import { GEMM_COSTS } from './costs.ts'
import { gemmKernels } from './kernels/index.ts'
import type { GemmArguments, GemmWeights } from './kernels/types.ts'
import { type GemmProblem, gemmBytes, gemmFlops } from './problem.ts'

/** Options of a direct call of {@link gemm}. */
export interface GemmOptions {
  /** Written and returned, instead of a new tensor on the JS heap. */
  out?: Tensor | undefined
  backend?: BackendOption | undefined
  /** Take this row of the table of kernels. */
  kernel?: string | undefined
}

/** Options of `gemm.plan`. */
export interface GemmPlanOptions extends Omit<GemmOptions, 'out'> {
  /** The most columns that a run will have. */
  columns: number
  /** Bound on the bytes of all packings. */
  maxPackedBytes?: number | undefined
}

/** Dense weights packed once, to be multiplied many times. */
export class GemmPlan implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #inner: BucketedPlan<GemmProblem, GemmWeights, GemmArguments>
  readonly #m: number
  readonly #k: number
  readonly #columns: number

  /** Use `gemm.plan`. */
  constructor(a: Tensor, options: GemmPlanOptions, runs?: number) {
    const name = runs === undefined ? 'gemm.plan' : 'gemm'
    if (typeof options !== 'object' || options === null)
      throw typeError('NNZ_TYPE', `${name}: expected options to be an object, got ${describe(options)}`)
    const matrix = expectMatrix(a, `${name}: a`)
    const [m, k] = matrix.shape
    this.#m = m
    this.#k = k
    this.#columns = options.columns
    this.#inner = new BucketedPlan({
      kernels: gemmKernels,
      weights: { matrix },
      backend: resolveBackend(options.backend),
      costs: GEMM_COSTS,
      problem: (n) => ({ operation: 'gemm', m, k, n, orientation: 'columns' }),
      columns: options.columns,
      flops: gemmFlops,
      bytes: gemmBytes,
      kernel: options.kernel,
      maxPackedBytes: options.maxPackedBytes,
      runs,
    })
  }

  /**
   * @param b [K, N], any strides, N up to the plan's `columns`
   * @returns `out`, or a new tensor [M, N] on the JS heap
   * @throws RangeError if shapes do not fit or `out` overlaps b
   */
  run(b: Tensor, options: { out?: Tensor | undefined } = {}): Tensor {
    this.#inner.expectAlive()
    const x = expectMatrix(b, 'gemm: b')
    const [k, n] = x.shape
    if (k !== this.#k) throw rangeError('NNZ_SHAPE', `gemm: b has ${k} rows, expected ${this.#k} (the columns of a)`)
    if (n > this.#columns)
      throw rangeError('NNZ_SHAPE', `gemm: b has ${n} columns, the plan is for at most ${this.#columns}`)
    const out = options.out === undefined ? zeros([this.#m, n]) : expectOutput(options.out, 'gemm: out')
    if (out.shape[0] !== this.#m || out.shape[1] !== n) {
      throw rangeError('NNZ_SHAPE', `gemm: out is [${out.shape.join(', ')}], expected [${this.#m}, ${n}]`)
    }
    if (overlaps(out, x)) throw rangeError('NNZ_VALUE', 'gemm: out overlaps b')
    this.#inner.run(n, { x, y: out })
    return out
  }

  /** Replaces the weights, row-major. */
  updateValues(values: ArrayLike<number>): void {
    const data = toFloat32(values, 'gemm: values')
    if (data.length !== this.#m * this.#k) {
      throw rangeError('NNZ_SHAPE', `gemm: updateValues got ${data.length} values, expected ${this.#m * this.#k}`)
    }
    this.#inner.updateValues(data)
  }

  explain(): Explanation {
    return this.#inner.explain()
  }

  dispose(): void {
    this.#inner.dispose()
  }
}

registerDispose(GemmPlan.prototype)

function run(a: Tensor, b: Tensor, options: GemmOptions = {}): Tensor {
  const columns = expectMatrix(b, 'gemm: b').shape[1]
  const plan = new GemmPlan(a, { ...options, columns }, 1)
  try {
    return plan.run(b, { out: options.out })
  } finally {
    plan.dispose()
  }
}

/**
 * Dense product a·b, f32: a [M, K], b [K, N], any strides (so transposed views need no copy), result [M, N].
 * `gemm.plan(a, { columns })` packs a once.
 *
 * @throws TypeError if an operand is not a matrix
 * @throws RangeError if shapes do not fit
 */
export const gemm = Object.assign(run, {
  plan: (a: Tensor, options: GemmPlanOptions): GemmPlan => new GemmPlan(a, options),
  kernels: gemmKernels,
})
