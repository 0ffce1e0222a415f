import { resolveBackend } from '../backends/resolve.ts'
import { registerDispose } from '../dispose.ts'
import { namingMemory, rangeError } from '../errors.ts'
import { BucketedPlan } from '../plan/bucketed-plan.ts'
import type { CostModel } from '../plan/cost-model.ts'
import type { Explanation } from '../plan/explanation.ts'
import type { Kernel } from '../plan/kernel.ts'
import {
  arraysOverlap,
  expectMatrix,
  expectOutput,
  expectValues,
  overlaps,
  type Tensor,
  transposed,
  zeros,
} from '../tensor.ts'
import { type Activation, expectActivation, outputRows } from './activation.ts'
import { expectBias, expectOptions, type PlanOptions, type RunOptions } from './options.ts'
import type { ProductArguments, ProductProblem } from './problem.ts'

/** What an operation gives to make a plan of a product. */
export interface ProductSpecification<P extends ProductProblem, W extends object> {
  /** Stands in front of messages. */
  readonly operation: string
  readonly weights: W
  /** Rows and columns of the weights as they are multiplied: [M, K]. */
  readonly shape: readonly [m: number, k: number]
  /** How many values `updateValues` takes. */
  readonly valueCount: number
  readonly orientation: ProductProblem['orientation']
  readonly kernels: readonly Kernel<P, W, ProductArguments>[]
  readonly costs: CostModel
  readonly problem: (columns: number, activation: Activation) => P
  readonly flops: (problem: P) => number
  readonly bytes: (problem: P) => number
  /** What messages call x, and the rows and columns of the weights. Default: x, "the rows of w", "the columns of w". */
  readonly words?: { readonly x: string; readonly rows: string; readonly columns: string }
}

const WORDS = { x: 'x', rows: 'the rows of w', columns: 'the columns of w' } as const

/** Weights packed and kernels chosen, to be run many times on up to `columns` columns. */
export class ProductPlan<P extends ProductProblem, W extends object> implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #inner: BucketedPlan<P, W, ProductArguments>
  readonly #specification: ProductSpecification<P, W>
  readonly #words: NonNullable<ProductSpecification<P, W>['words']>
  readonly #activation: Activation
  readonly #bias: Float32Array | undefined
  readonly #columns: number

  /** Use an operation's `plan`. `runs` is set by direct calls: packing has to pay within so many runs. */
  constructor(specification: ProductSpecification<P, W>, options: PlanOptions, runs?: number) {
    const { operation, weights, shape, kernels, costs, problem, flops, bytes } = specification
    const name = runs === undefined ? `${operation}.plan` : operation
    expectOptions(options, name)
    const activation = expectActivation(options.activation, shape[0], name)
    this.#specification = specification
    this.#words = specification.words ?? WORDS
    this.#bias = expectBias(options.bias, shape[0], this.#words.rows, name)?.slice()
    this.#activation = activation
    this.#columns = options.columns
    const inner = {
      kernels,
      weights,
      backend: resolveBackend(options.backend),
      costs,
      problem: (n: number) => problem(n, activation),
      columns: options.columns,
      flops,
      bytes,
      kernel: options.kernel,
      strictNonFinite: options.strictNonFinite,
      maxPackedBytes: options.maxPackedBytes,
      runs,
    }
    this.#inner = namingMemory(name, () => new BucketedPlan(inner))
  }

  /**
   * Computes the product.
   *
   * @param x [K, N], token-major [tokens, K]; any strides, N up to the plan's `columns`
   * @returns `out`, or a new tensor on the JS heap: [M, N], token-major [tokens, M] (M / 2 for `swiglu`)
   * @throws TypeError if an operand is not what it should be or the plan is disposed
   * @throws RangeError if shapes do not fit or `out` overlaps an input
   */
  run(x: Tensor, options: RunOptions = {}): Tensor {
    const { operation: name, shape: weightShape, orientation } = this.#specification
    const words = this.#words
    this.#inner.expectAlive()
    expectOptions(options, name)
    const tokens = orientation === 'tokens'
    const given = expectMatrix(x, `${name}: ${words.x}`)
    const input = tokens ? transposed(given) : given
    const [m, k] = weightShape
    const [rows, n] = input.shape
    if (rows !== k) {
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: ${words.x} has ${rows} ${tokens ? 'columns' : 'rows'}, expected ${k} (${words.columns})`,
      )
    }
    if (n > this.#columns)
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: ${words.x} has ${n} ${tokens ? 'rows' : 'columns'}, the plan is for at most ${this.#columns}`,
      )
    const height = outputRows({ m, activation: this.#activation })
    const shape = tokens ? [n, height] : [height, n]
    const addend = options.bias === undefined ? this.#bias : expectBias(options.bias, m, words.rows, name)
    const residual = this.#expectShaped(options.residual, shape, 'residual')
    const out = this.#expectShaped(options.out, shape, 'out') ?? zeros(shape)
    if (options.out && (overlaps(out, given) || (residual && residual !== out && overlaps(out, residual)))) {
      throw rangeError('NNZ_VALUE', `${name}: out overlaps ${overlaps(out, given) ? words.x : 'residual'}`)
    }
    // Kernels read the bias of one row after they have written another.
    const bias = addend && arraysOverlap(addend, out.data) ? addend.slice() : addend
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
    const { operation } = this.#specification
    const name = `${operation}: ${what}`
    const matrix = what === 'out' ? expectOutput(value, name) : expectMatrix(value, name)
    if (matrix.shape[0] !== shape[0] || matrix.shape[1] !== shape[1]) {
      throw rangeError('NNZ_SHAPE', `${name} is [${matrix.shape.join(', ')}], expected [${shape.join(', ')}]`)
    }
    return matrix
  }

  /**
   * Replaces the values of w, in its canonical order (that of `w.values`); the pattern stays. `w` itself is not written.
   *
   * @throws RangeError if there are not as many values as w has
   */
  updateValues(values: ArrayLike<number>): void {
    const { operation, valueCount } = this.#specification
    this.#inner.updateValues(expectValues(values, valueCount, operation))
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

registerDispose(ProductPlan.prototype)
