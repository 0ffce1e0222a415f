import {
  type Backend,
  type BackendOption,
  BucketedPlan,
  describe,
  type Explanation,
  expectMatrix,
  expectOutput,
  isTensor,
  overlaps,
  rangeError,
  registerDispose,
  resolveBackend,
  type Tensor,
  toFloat32,
  transposed,
  typeError,
  zeros,
} from '@nnz/core'
import { COSTS } from './cost-model.ts'
import { kernels } from './kernels/index.ts'
import type { SpmmArguments } from './kernels/types.ts'
import {
  ACTIVATIONS,
  type Activation,
  bytes,
  flops,
  outputRows,
  type SparseWeights,
  type SpmmProblem,
  spmmProblem,
} from './problem.ts'

/** Options that fix what a plan computes. */
export interface OperationOptions {
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  backend?: BackendOption | undefined
  /** One number for each row of w, added to each column. */
  bias?: ArrayLike<number> | undefined
  /** Applied last. Default: `none`. */
  activation?: Activation | undefined
  /** Take this row of the table of kernels instead of the one predicted to be fastest. */
  kernel?: string | undefined
  /** Keep dense kernels out: with them an infinite or NaN activation meets implicit zeros, too. Default: false. */
  strictNonFinite?: boolean | undefined
}

/** Options of one run. */
export interface RunOptions {
  /** Written and returned, instead of a new tensor on the JS heap. */
  out?: Tensor | undefined
  /** Replaces the plan's bias for this run. */
  bias?: ArrayLike<number> | undefined
  /** A tensor of the output's shape, added before the activation (after gating for `swiglu`). */
  residual?: Tensor | undefined
}

/** Options of a direct call. */
export interface CallOptions extends OperationOptions, RunOptions {}

/** Options of a plan. */
export interface PlanOptions extends OperationOptions {
  /** The most columns (tokens, for `linear`) that a run will have. */
  columns: number
  /** Bound on the bytes of all packings; throws RangeError if no kernel fits. */
  maxPackedBytes?: number | undefined
}

/** Checks that options are an object. */
export function expectOptions(options: unknown, name: string): void {
  if (typeof options !== 'object' || options === null)
    throw typeError('NNZ_TYPE', `${name}: expected options to be an object, got ${describe(options)}`)
}

function expectActivation(value: unknown, m: number, name: string): Activation {
  const activation = value ?? 'none'
  if (!ACTIVATIONS.includes(activation as Activation)) {
    throw rangeError(
      'NNZ_VALUE',
      `${name}: expected activation to be one of ${ACTIVATIONS.join(', ')}, got ${describe(value)}`,
    )
  }
  if (activation === 'swiglu' && m % 2 !== 0) {
    throw rangeError('NNZ_SHAPE', `${name}: swiglu needs an even number of rows of w (gates, then values), got ${m}`)
  }
  return activation as Activation
}

function expectBias(bias: ArrayLike<number> | undefined, m: number, name: string): Float32Array | undefined {
  if (bias === undefined || bias === null) return undefined
  const values = toFloat32(isTensor(bias) ? bias.data : bias, `${name}: bias`)
  if (values.length !== m)
    throw rangeError('NNZ_SHAPE', `${name}: bias has ${values.length} elements, expected ${m} (the rows of w)`)
  return values
}

/** Weights packed and kernels chosen, to be run many times on up to `columns` columns. */
export class SpmmPlan implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #inner: BucketedPlan<SpmmProblem, SparseWeights, SpmmArguments>
  readonly #operation: 'spmm' | 'linear'
  readonly #weights: SparseWeights
  readonly #activation: Activation
  readonly #bias: Float32Array | undefined
  readonly #columns: number

  /** Use `spmm.plan` or `linear.plan`. `runs` is set by direct calls: packing has to pay within so many runs. */
  constructor(operation: 'spmm' | 'linear', w: SparseWeights, options: PlanOptions, runs?: number) {
    const name = runs === undefined ? `${operation}.plan` : operation
    expectOptions(options, name)
    const activation = expectActivation(options.activation, w.shape[0], name)
    this.#bias = expectBias(options.bias, w.shape[0], name)
    const backend: Backend = resolveBackend(options.backend)
    this.#operation = operation
    this.#weights = w
    this.#activation = activation
    this.#columns = options.columns
    this.#inner = new BucketedPlan({
      kernels,
      weights: w,
      backend,
      costs: COSTS,
      problem: (n) => spmmProblem(operation, w, n, activation),
      columns: options.columns,
      flops,
      bytes,
      kernel: options.kernel,
      strictNonFinite: options.strictNonFinite,
      maxPackedBytes: options.maxPackedBytes,
      runs,
    })
  }

  /**
   * Computes the product.
   *
   * @param x `spmm`: [K, N]; `linear`: [tokens, K]; any strides, N up to the plan's `columns`
   * @returns `out`, or a new tensor on the JS heap: [M, N], for `linear` [tokens, M] (M / 2 for `swiglu`)
   * @throws TypeError if an operand is not what it should be or the plan is disposed
   * @throws RangeError if shapes do not fit or `out` overlaps an input
   */
  run(x: Tensor, options: RunOptions = {}): Tensor {
    const name = this.#operation
    this.#inner.expectAlive()
    expectOptions(options, name)
    const tokens = name === 'linear'
    const given = expectMatrix(x, `${name}: x`)
    const input = tokens ? transposed(given) : given
    const [m, k] = this.#weights.shape
    const [rows, n] = input.shape
    if (rows !== k) {
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: x has ${rows} ${tokens ? 'columns' : 'rows'}, expected ${k} (the columns of w)`,
      )
    }
    if (n > this.#columns)
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: x has ${n} ${tokens ? 'rows' : 'columns'}, the plan is for at most ${this.#columns}`,
      )
    const height = outputRows({ m, activation: this.#activation })
    const shape = tokens ? [n, height] : [height, n]
    const bias = options.bias === undefined ? this.#bias : expectBias(options.bias, m, name)
    const residual = this.#expectShaped(options.residual, shape, 'residual')
    const out = this.#expectShaped(options.out, shape, 'out') ?? zeros(shape)
    if (options.out && (overlaps(out, given) || (residual && residual !== out && overlaps(out, residual)))) {
      throw rangeError('NNZ_VALUE', `${name}: out overlaps ${overlaps(out, given) ? 'x' : 'residual'}`)
    }
    this.#inner.run(n, {
      x: input,
      y: tokens ? transposed(out) : out,
      bias,
      residual: residual && tokens ? transposed(residual) : residual,
    })
    return out
  }

  #expectShaped(value: Tensor | undefined, shape: readonly number[], what: 'out' | 'residual'): Tensor | undefined {
    if (value === undefined) return undefined
    const name = `${this.#operation}: ${what}`
    const matrix = what === 'out' ? expectOutput(value, name) : expectMatrix(value, name)
    if (matrix.shape[0] !== shape[0] || matrix.shape[1] !== shape[1]) {
      throw rangeError(
        'NNZ_SHAPE',
        `${this.#operation}: ${what} is [${matrix.shape.join(', ')}], expected [${shape.join(', ')}]`,
      )
    }
    return matrix
  }

  /**
   * Replaces the values of w, in its canonical order (that of `w.values`); the pattern stays. `w` itself is not written.
   *
   * @throws RangeError if there are not as many values as w has
   */
  updateValues(values: ArrayLike<number>): void {
    const data = toFloat32(values, `${this.#operation}: values`)
    if (data.length !== this.#weights.nnz) {
      throw rangeError(
        'NNZ_SHAPE',
        `${this.#operation}: updateValues got ${data.length} values, expected ${this.#weights.nnz}`,
      )
    }
    this.#inner.updateValues(data)
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

registerDispose(SpmmPlan.prototype)
