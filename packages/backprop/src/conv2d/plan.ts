import {
  type Backend,
  type BackendOption,
  type Csr,
  expectValues,
  isWasm,
  rangeError,
  registerDispose,
  resolveBackend,
  type Tensor,
  toFloat32,
  typeError,
  zeros,
} from '@nnz/core'
import type { Gradients, Needs } from '../backward/options.ts'
import {
  expectAllApart,
  expectApart,
  expectCsr,
  expectNeeds,
  expectOptions,
  expectPart,
  expectSameShape,
  outputValues,
} from '../checks.ts'
import { samePattern } from '../entries.ts'
import { TapsBackward, TapsForward } from './js.ts'
import { productBackward, productForward } from './product.ts'
import type { BackwardArguments, Conv2dRunner, ForwardArguments } from './runner.ts'
import { type Conv2dGeometry, type Conv2dShape, conv2dShape, expectImages, isProduct } from './shape.ts'
import { planesBackward, planesForward } from './wasm.ts'

/** Options of a convolution. */
export interface Conv2dOptions extends Conv2dGeometry {
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  backend?: BackendOption | undefined
}

/** Options of a plan: it is for images of one size. */
export interface Conv2dPlanOptions extends Conv2dOptions {
  height: number
  width: number
}

/** Options of one forward run. */
export interface Conv2dRunOptions {
  /** One number for each output channel. */
  bias?: ArrayLike<number> | undefined
  /** Written and returned, instead of a new tensor on the JS heap. */
  out?: Tensor | undefined
}

/** What a convolution's plan decided. */
export interface Conv2dExplanation {
  readonly operation: string
  readonly method: string
  /** Multiplications and additions of one image, those with padding included. */
  readonly flops: number
  readonly packedBytes: number
}

const forgotten = new FinalizationRegistry<Conv2dRunner<never>>((runner) => runner.dispose())

/** Makes the runner of a backend. */
type Prepare<A> = (w: Csr, shape: Conv2dShape, backend: Backend) => Conv2dRunner<A>

class ConvolutionPlan<A> implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  protected readonly name: string
  protected readonly shape: Conv2dShape
  readonly #passes: number
  readonly #prepare: (w: Csr) => Conv2dRunner<A>
  #weights: Csr
  #runner: Conv2dRunner<A>
  #disposed = false

  constructor(name: string, w: Csr, options: Conv2dPlanOptions, passes: number, prepare: Prepare<A>) {
    expectOptions(options, name)
    this.name = name
    this.#passes = passes
    this.#weights = expectCsr(w, `${name}: w`)
    this.shape = conv2dShape(this.#weights, options, [options.height, options.width], name)
    const backend = resolveBackend(options.backend)
    this.#prepare = (weights) => prepare(weights, this.shape, backend)
    this.#runner = this.#prepare(this.#weights)
    forgotten.register(this, this.#runner, this)
  }

  protected get valueCount(): number {
    return this.#weights.nnz
  }

  protected execute(args: A): void {
    this.#runner.run(args)
  }

  protected expectAlive(): void {
    if (this.#disposed) throw typeError('NNZ_DISPOSED', `${this.name}: the plan was used after dispose()`)
  }

  /**
   * Replaces the values of w, in its canonical order; the pattern stays.
   *
   * @throws RangeError if there are not as many values as w has
   */
  updateValues(values: ArrayLike<number>): void {
    this.expectAlive()
    this.#runner.updateValues(expectValues(values, this.#weights.nnz, this.name))
  }

  /**
   * Takes weights with another pattern of the same shape; only values are taken where entries stand at the same places.
   *
   * @throws RangeError if the shape differs
   */
  updatePattern(w: Csr): void {
    this.expectAlive()
    const next = expectCsr(w, `${this.name}: w`)
    expectSameShape(this.#weights, next, this.name)
    if (samePattern(this.#weights, next)) {
      this.#runner.updateValues(next.values)
      return
    }
    const runner = this.#prepare(next)
    forgotten.unregister(this)
    this.#runner.dispose()
    this.#weights = next
    this.#runner = runner
    forgotten.register(this, runner, this)
  }

  /** Which method runs, and its bytes. */
  explain(): Conv2dExplanation {
    this.expectAlive()
    const { outHeight, outWidth } = this.shape
    const { method, bytes } = this.#runner
    return {
      operation: this.name,
      method,
      flops: 2 * this.#passes * this.#weights.nnz * outHeight * outWidth,
      packedBytes: bytes,
    }
  }

  /** Releases everything that the plan owns. Also done when the plan is forgotten. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    forgotten.unregister(this)
    this.#runner.dispose()
  }
}

registerDispose(ConvolutionPlan.prototype)

function outputImages(out: Tensor | undefined, shape: readonly number[], name: string): Tensor {
  return out === undefined ? zeros(shape) : expectImages(out, shape, name)
}

/** Sparse kernels prepared for images of one size. */
export class SparseConv2dPlan extends ConvolutionPlan<ForwardArguments> {
  /** Use `sparseConv2d.plan`. */
  constructor(w: Csr, options: Conv2dPlanOptions) {
    super('sparseConv2d', w, options, 1, (weights, shape, backend) => {
      if (isProduct(shape)) return productForward(weights, shape, backend)
      return isWasm(backend) ? planesForward(weights, shape, backend) : new TapsForward(weights, shape)
    })
  }

  /**
   * @param x [batch, channels, height, width], row-major
   * @returns `out`, or a new tensor: [batch, outChannels, outHeight, outWidth]
   * @throws RangeError if shapes do not fit or `out` overlaps an input
   */
  run(x: Tensor, options: Conv2dRunOptions = {}): Tensor {
    this.expectAlive()
    expectOptions(options, this.name)
    const { channels, height, width, outChannels, outHeight, outWidth } = this.shape
    const images = expectImages(x, [undefined, channels, height, width], `${this.name}: x`)
    const bias = options.bias === undefined ? undefined : toFloat32(options.bias, `${this.name}: bias`)
    if (bias && bias.length !== outChannels)
      throw rangeError('NNZ_SHAPE', `${this.name}: bias has ${bias.length} elements, expected ${outChannels}`)
    const y = outputImages(options.out, [images.shape[0], outChannels, outHeight, outWidth], `${this.name}: out`)
    expectApart(y, `${this.name}: out`, { x: images, bias })
    this.execute({ x: images, y, bias })
    return y
  }
}

/** Options of a backward plan. */
export interface Conv2dBackwardPlanOptions extends Conv2dPlanOptions {
  needs?: Needs | undefined
}

/** Options of one backward run. */
export interface Conv2dBackwardRunOptions {
  /** Written and returned, instead of new ones on the JS heap. */
  out?: { dx?: Tensor | undefined; dValues?: Float32Array | undefined; dBias?: Float32Array | undefined } | undefined
}

const NOTHING = new Float32Array(0)

/** The backward pass of sparse kernels, prepared for images of one size. */
export class SparseConv2dBackwardPlan extends ConvolutionPlan<BackwardArguments> {
  readonly #needs: { readonly dx: boolean; readonly dValues: boolean; readonly dBias: boolean }

  /** Use `sparseConv2dBackward.plan`. */
  constructor(w: Csr, options: Conv2dBackwardPlanOptions) {
    const name = 'sparseConv2dBackward'
    expectOptions(options, name)
    const needs = expectNeeds(options.needs, name)
    super(name, w, options, Number(needs.dx) + Number(needs.dValues), (weights, shape, backend) => {
      if (isProduct(shape)) return productBackward(weights, shape, needs, backend)
      return isWasm(backend) ? planesBackward(weights, shape, needs, backend) : new TapsBackward(weights, shape)
    })
    this.#needs = needs
  }

  /**
   * @param x of the forward pass; not read unless dValues are wanted
   * @param dy gradients of the output, [batch, outChannels, outHeight, outWidth], row-major
   * @throws RangeError if shapes do not fit, or an output overlaps an input or another output
   */
  run(x: Tensor | undefined, dy: Tensor, options: Conv2dBackwardRunOptions = {}): Gradients {
    const { name } = this
    this.expectAlive()
    expectOptions(options, name)
    const needs = this.#needs
    const { channels, height, width, outChannels, outHeight, outWidth } = this.shape
    const slopes = expectImages(dy, [undefined, outChannels, outHeight, outWidth], `${name}: dy`)
    const batch = slopes.shape[0]
    const images = needs.dValues ? expectImages(x, [batch, channels, height, width], `${name}: x`) : undefined
    const out = expectPart(options.out, `${name}: out`)
    const dx = needs.dx
      ? outputImages(out.dx, [batch, channels, height, width], `${name}: out.dx`)
      : zeros([0, 0, 0, 0])
    const dValues = needs.dValues ? outputValues(out.dValues, this.valueCount, `${name}: out.dValues`) : NOTHING
    const dBias = needs.dBias ? outputValues(out.dBias, outChannels, `${name}: out.dBias`) : NOTHING
    expectAllApart({ 'out.dx': dx, 'out.dValues': dValues, 'out.dBias': dBias }, { x: images, dy: slopes }, name)
    this.execute({
      x: images,
      dy: slopes,
      dx: needs.dx ? dx : undefined,
      dValues: needs.dValues ? dValues : undefined,
      dBias: needs.dBias ? dBias : undefined,
    })
    return { dx, dValues, dBias }
  }
}
