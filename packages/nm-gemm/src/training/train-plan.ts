import { describe, nm, rangeError, registerDispose, type Tensor, typeError } from '@nnz/core'
import { nmGemm, nmGemmTransposed } from '../operations.ts'
import type { NmPlan } from '../plan.ts'
import { expectFinite, expectMask, expectShape, rowMajor } from './matrix.ts'
import { PATTERN_24 } from './pack24.ts'
import { type WeightGradientOptions, weightGradient } from './weight-gradient.ts'

/** Options of `trainStep24.plan`. */
export interface TrainPlan24Options extends WeightGradientOptions {
  /** The most columns of x (tokens of a batch). */
  columns: number
}

/** What a step of training gives. */
export interface TrainStep24 {
  /** The product of the masked weights and x, [M, N]. */
  readonly y: Tensor
  /** Ones where weights are kept, row-major: for `maskedGradient` and `flipRate`. */
  readonly mask: Uint8Array
  /**
   * From the gradient of y: that of x [K, N], and that of the masked weights [M, K], dense, as the straight-through
   * estimator wants it.
   *
   * @throws TypeError if a plan made the step, and has made another one since or is disposed
   * @throws RangeError if dY has not the shape of y, or with `random` an element is not finite
   */
  backward(dY: Tensor): { dX: Tensor; dW: Tensor }
}

function expectExtents(shape: readonly number[]): readonly [number, number] {
  const name = 'trainStep24.plan'
  if (!Array.isArray(shape))
    throw typeError('NNZ_TYPE', `${name}: expected a shape such as [rows, columns], got ${describe(shape)}`)
  const [rows, columns] = shape
  if (shape.length !== 2 || !shape.every((extent) => Number.isInteger(extent) && extent >= 0))
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected a shape [rows, columns] of whole numbers >= 0, got [${shape.join(', ')}]`,
    )
  return [rows, columns]
}

/** Both products with the weights under one mask packed once, for steps between which only values change. */
export class TrainPlan24 implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #mask: Uint8Array
  readonly #shape: readonly [number, number]
  readonly #options: WeightGradientOptions
  /** Where each value of the packed weights stands in the dense ones. */
  readonly #positions: Uint32Array
  readonly #values: Float32Array
  readonly #forward: NmPlan
  readonly #backward: NmPlan
  #steps = 0

  /** Use `trainStep24.plan`. */
  constructor(mask: Uint8Array, shape: readonly number[], { columns, ...options }: TrainPlan24Options) {
    const [rows, width] = expectExtents(shape)
    this.#mask = expectMask(mask, rows * width, 'trainStep24.plan: mask').slice()
    const weights = nm.fromMasked(new Float32Array(mask.length), this.#mask, [rows, width], PATTERN_24)
    const entries = weights.nnz / Math.max(1, rows)
    this.#shape = [rows, width]
    this.#options = options
    this.#positions = nm.columnIndices(weights).map((column, i) => Math.floor(i / entries) * width + column)
    this.#values = new Float32Array(weights.nnz)
    this.#forward = nmGemm.plan(weights, { columns, backend: options.backend })
    this.#backward = nmGemmTransposed.plan(weights, { columns, backend: options.backend })
  }

  /**
   * One step with these weights, [M, K]. Its `backward` has to be called before the next step: the packed values are the
   * plan's, and x is not copied.
   *
   * @throws TypeError if an operand is not a matrix or the plan is disposed
   * @throws RangeError if shapes do not fit or a weight is not finite
   */
  step(w: Tensor, x: Tensor): TrainStep24 {
    const name = 'trainStep24'
    expectShape(w, this.#shape, `${name}: w`)
    const matrix = rowMajor(w, `${name}: w`)
    expectFinite(matrix, `${name}: w`)
    const step = ++this.#steps
    // Where a group of the mask has fewer than two ones, entries fill it up that stay zero.
    for (let i = 0; i < this.#values.length; i++) {
      const at = this.#positions[i]
      this.#values[i] = this.#mask[at] !== 0 ? matrix.data[at] : 0
    }
    this.#forward.updateValues(this.#values)
    const y = this.#forward.run(x)
    return {
      y,
      mask: this.#mask.slice(),
      backward: (dY) => {
        if (step !== this.#steps)
          throw typeError(
            'NNZ_DISPOSED',
            `${name}: backward of step ${step} after step ${this.#steps}: the plan holds the weights of the last step only`,
          )
        expectShape(dY, y.shape, `${name}: dY`)
        this.#backward.updateValues(this.#values)
        return { dX: this.#backward.run(dY), dW: weightGradient(dY, x, this.#options) }
      },
    }
  }

  /** Releases the packed weights. */
  dispose(): void {
    this.#forward.dispose()
    this.#backward.dispose()
  }
}

registerDispose(TrainPlan24.prototype)
