import { type BackendOption, resolveBackend } from '../backends/resolve.ts'
import { type I8Values, isCompactValues } from '../compact/values.ts'
import { registerDispose } from '../dispose.ts'
import { describe, namingMemory, rangeError, typeError } from '../errors.ts'
import { checked } from '../layouts/checks.ts'
import { type CompactDense, dense } from '../layouts/dense.ts'
import { BucketedPlan } from '../plan/bucketed-plan.ts'
import type { Explanation } from '../plan/explanation.ts'
import { expectMatrix, expectOutput, expectValues, overlaps, type Tensor, zeros } from '../tensor.ts'
import { GEMM_COSTS } from './costs.ts'
import { GEMM_I8_COSTS } from './i8/costs.ts'
import { gemmI8Kernels } from './i8/index.ts'
import { type GemmI8Kernel, gemmI8Bytes } from './i8/types.ts'
import { gemmKernels } from './kernels/index.ts'
import type { GemmArguments, GemmKernel, GemmWeights } from './kernels/types.ts'
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

/** What a plan needs of the plans for either type of weights. */
type InnerPlan = Pick<
  BucketedPlan<GemmProblem, GemmWeights, GemmArguments>,
  'run' | 'updateValues' | 'explain' | 'expectAlive' | 'dispose'
>

/** i8 weights that their constructor has checked; undefined for what is something else, a tensor for example. */
function i8Weights(a: unknown, name: string): CompactDense | undefined {
  if (typeof a !== 'object' || a === null || !('layout' in a)) return undefined
  const { layout, values } = a as CompactDense
  if (layout !== 'dense' || !isCompactValues(values) || values.type !== 'i8')
    throw typeError('NNZ_TYPE', `${name}: a: expected a tensor or a dense layout of i8 values, got ${describe(a)}`)
  return checked.has(a) ? (a as CompactDense) : dense(a as CompactDense)
}

/** Dense weights packed once, to be multiplied many times. */
export class GemmPlan implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #inner: InnerPlan
  readonly #m: number
  readonly #k: number
  readonly #columns: number

  /** Use `gemm.plan`. */
  constructor(a: Tensor | CompactDense, options: GemmPlanOptions, runs?: number) {
    const name = runs === undefined ? 'gemm.plan' : 'gemm'
    if (typeof options !== 'object' || options === null)
      throw typeError('NNZ_TYPE', `${name}: expected options to be an object, got ${describe(options)}`)
    const integers = i8Weights(a, name)
    const matrix = integers ?? expectMatrix(a, `${name}: a`)
    const [m, k] = matrix.shape
    this.#m = m
    this.#k = k
    this.#columns = options.columns
    const problem = (n: number) => ({ operation: 'gemm', m, k, n, orientation: 'columns' }) as const
    const common = {
      backend: resolveBackend(options.backend),
      costs: integers ? GEMM_I8_COSTS : GEMM_COSTS,
      columns: options.columns,
      flops: gemmFlops,
      kernel: options.kernel,
      maxPackedBytes: options.maxPackedBytes,
      runs,
    }
    if (integers) {
      const { groupColumns } = integers.values as I8Values
      const specification = {
        ...common,
        kernels: gemmI8Kernels,
        weights: { matrix: integers },
        problem: (n: number) => ({ ...problem(n), groupColumns }),
        bytes: gemmI8Bytes,
      }
      this.#inner = namingMemory(name, () => new BucketedPlan(specification))
    } else {
      const weights = { matrix: matrix as Tensor }
      const specification = { ...common, kernels: gemmKernels, weights, problem, bytes: gemmBytes }
      this.#inner = namingMemory(name, () => new BucketedPlan(specification))
    }
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

  /** Replaces the weights, row-major and in f32; i8 weights get new scales. */
  updateValues(values: ArrayLike<number>): void {
    this.#inner.updateValues(expectValues(values, this.#m * this.#k, 'gemm'))
  }

  explain(): Explanation {
    return this.#inner.explain()
  }

  dispose(): void {
    this.#inner.dispose()
  }
}

registerDispose(GemmPlan.prototype)

function run(a: Tensor | CompactDense, b: Tensor, options: GemmOptions = {}): Tensor {
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
 * a may be `dense.quantise(…, { type: 'i8' })`, too. Then each column of b is quantised to seven bits as it is packed
 * ({@link quantiseColumns}), and products are summed in whole numbers. A column of b with a NaN or an infinity yields NaN.
 *
 * @throws TypeError if an operand is not a matrix
 * @throws RangeError if shapes do not fit
 */
export const gemm = Object.assign(run, {
  plan: (a: Tensor | CompactDense, options: GemmPlanOptions): GemmPlan => new GemmPlan(a, options),
  kernels: Object.freeze([...gemmKernels, ...gemmI8Kernels]) as readonly (GemmKernel | GemmI8Kernel)[],
})
