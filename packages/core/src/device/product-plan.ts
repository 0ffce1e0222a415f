import { registerDispose } from '../dispose.ts'
import { rangeError } from '../errors.ts'
import { BucketedPlan } from '../plan/bucketed-plan.ts'
import type { Explanation } from '../plan/explanation.ts'
import type { Kernel } from '../plan/kernel.ts'
import { expectActivation, outputRows } from '../product/activation.ts'
import { expectBias, expectOptions, type PlanOptions } from '../product/options.ts'
import type { ProductSpecification } from '../product/plan.ts'
import type { ProductArguments, ProductProblem } from '../product/problem.ts'
import { expectValues, type Tensor } from '../tensor.ts'
import {
  type DeviceBackend,
  type DeviceDtype,
  type DeviceTensor,
  expectOnDevice,
  isDevice,
  overlapOnDevice,
} from './device.ts'

/** Options of a plan on a device. */
export interface DevicePlanOptions extends Omit<PlanOptions, 'backend'> {
  backend: DeviceBackend
}

/** Whether a plan is asked for on a device. */
export function isDevicePlan(options: unknown): options is DevicePlanOptions {
  return typeof options === 'object' && options !== null && 'backend' in options && isDevice(options.backend)
}

/** Options of one run on a device. */
export interface DeviceRunOptions {
  /** Written and returned, instead of a new tensor. */
  out?: DeviceTensor | undefined
  /** A tensor of the output's shape, added before the activation. */
  residual?: DeviceTensor | Tensor | undefined
}

/** Checked operands of one run on a device, as they lie there: token-major where the problem says so. */
export interface DeviceProductArguments {
  readonly x: DeviceTensor
  readonly y: DeviceTensor
  /** Columns of x, or its rows where activations are token-major. */
  readonly columns: number
  readonly bias: DeviceTensor | undefined
  readonly residual: DeviceTensor | undefined
}

/** A row for devices as one of the table: it gets operands that lie on its device. */
export function deviceRow<P extends ProductProblem, W>(
  kernel: Kernel<P, W, DeviceProductArguments>,
): Kernel<P, W, ProductArguments> {
  return kernel as unknown as Kernel<P, W, ProductArguments>
}

/** Activations have the type of the weights' values, so that f16 weights multiply f16 activations. */
function activationType(valueType: unknown): DeviceDtype {
  return valueType === 'f16' || valueType === 'bf16' ? valueType : 'f32'
}

/**
 * Weights packed on a device, to be run many times on up to `columns` columns. A run enqueues and returns: x may be a
 * tensor on the device or on the host (it is copied before `run` returns), the result is a tensor on the device with the
 * element type of x.
 */
export class DeviceProductPlan<P extends ProductProblem, W extends object> implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #inner: BucketedPlan<P, W, DeviceProductArguments>
  readonly #specification: ProductSpecification<P, W>
  readonly #backend: DeviceBackend
  readonly #activation: ReturnType<typeof expectActivation>
  readonly #bias: DeviceTensor | undefined
  readonly #columns: number
  /** The element type of x, residual and result. */
  readonly dtype: DeviceDtype

  /** Use an operation's `plan` with a device as its backend. */
  constructor(specification: ProductSpecification<P, W>, options: DevicePlanOptions) {
    const { operation, shape, kernels, problem } = specification
    const name = `${operation}.plan`
    expectOptions(options, name)
    const { backend, columns } = options
    const activation = expectActivation(options.activation, shape[0], name)
    const bias = expectBias(options.bias, shape[0], 'the rows of w', name)
    this.#specification = specification
    this.#backend = backend
    this.#activation = activation
    this.#columns = columns
    this.dtype = activationType((problem(columns, activation) as { valueType?: unknown }).valueType)
    this.#inner = new BucketedPlan({
      ...specification,
      kernels: kernels as unknown as readonly Kernel<P, W, DeviceProductArguments>[],
      backend,
      problem: (n) => problem(n, activation),
      columns,
      kernel: options.kernel,
      strictNonFinite: options.strictNonFinite,
      maxPackedBytes: options.maxPackedBytes,
    })
    this.#bias = bias && backend.upload({ dtype: 'f32', shape: [bias.length], strides: [1], data: bias })
  }

  /**
   * Enqueues the product.
   *
   * @param x [K, N], token-major [tokens, K], row-major; N up to the plan's `columns`
   * @returns `out`, or a new tensor on the device: [M, N], token-major [tokens, M] (M / 2 for `swiglu`)
   * @throws TypeError if an operand is not what it should be or the plan is disposed
   * @throws RangeError if shapes or types do not fit, or `out` overlaps an input
   */
  run(x: DeviceTensor | Tensor, options: DeviceRunOptions = {}): DeviceTensor {
    const { operation: name, shape: weightShape, orientation } = this.#specification
    this.#inner.expectAlive()
    expectOptions(options, name)
    const tokens = orientation === 'tokens'
    const input = this.#onDevice(x, `${name}: x`)
    const [m, k] = weightShape
    const [n, inner] = tokens ? input.shape : [input.shape[1], input.shape[0]]
    if (inner !== k)
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: x has ${inner} ${tokens ? 'columns' : 'rows'}, expected ${k} (the columns of w)`,
      )
    if (n > this.#columns)
      throw rangeError('NNZ_SHAPE', `${name}: x has ${n} columns, the plan is for at most ${this.#columns}`)
    const height = outputRows({ m, activation: this.#activation })
    const shape = tokens ? [n, height] : [height, n]
    const residual = options.residual && this.#onDevice(options.residual, `${name}: residual`)
    const out = options.out ? this.#onDevice(options.out, `${name}: out`) : this.#backend.allocate(shape, this.dtype)
    for (const [what, given] of [['residual', residual] as const, ['out', out] as const])
      if (given && given.shape.join() !== shape.join())
        throw rangeError('NNZ_SHAPE', `${name}: ${what} is [${given.shape.join(', ')}], expected [${shape.join(', ')}]`)
    if (
      options.out &&
      (overlapOnDevice(out, input) || (residual && residual !== out && overlapOnDevice(out, residual)))
    )
      throw rangeError('NNZ_VALUE', `${name}: out overlaps an input`)
    this.#inner.run(n, { x: input, y: out, columns: n, bias: this.#bias, residual })
    return out
  }

  #onDevice(value: unknown, name: string): DeviceTensor {
    return expectOnDevice(value, this.#backend, { dtype: this.dtype, axes: 2, name })
  }

  /** Replaces the values of w, in its canonical order; the pattern stays. */
  updateValues(values: ArrayLike<number>): void {
    const { operation, valueCount } = this.#specification
    this.#inner.updateValues(expectValues(values, valueCount, operation))
  }

  explain(): Explanation {
    return this.#inner.explain()
  }

  /** Releases everything that the plan owns, once the device is done with it. */
  dispose(): void {
    this.#inner.dispose()
    this.#bias?.dispose()
  }
}

registerDispose(DeviceProductPlan.prototype)
