import { type Csr, type Tensor, tensor } from '@nnz/core'
import { sparseConv2d, sparseConv2dBackward } from '../../conv2d/conv2d.ts'
import type { SparseConv2dBackwardPlan, SparseConv2dPlan } from '../../conv2d/plan.ts'
import type { Parameter } from '../parameter.ts'
import { type ConvolutionShape, outputExtents } from './patches.ts'
import type { ProductGradients } from './weight-product.ts'

/** A convolution whose sparse weight is read tap by tap, without patches. Plans are made when they are first needed. */
export class SparseConvolution {
  readonly w: Csr
  readonly #shape: ConvolutionShape
  #forward: { plan: SparseConv2dPlan; version: number } | undefined
  #backward: { plan: SparseConv2dBackwardPlan; version: number; needs: string } | undefined

  constructor(w: Csr, shape: ConvolutionShape) {
    this.w = w
    this.#shape = shape
  }

  get #options() {
    const { kernel, stride, padding, height, width } = this.#shape
    return { kernelSize: kernel, stride, padding, height, width }
  }

  #images(x: Tensor): Tensor {
    const { inputs, height, width } = this.#shape
    return tensor(x.data, [x.shape[0], inputs, height, width])
  }

  forward(x: Tensor, bias: Float32Array, weight: Parameter): Tensor {
    this.#forward ??= { plan: sparseConv2d.plan(this.w, this.#options), version: -1 }
    const { plan, version } = this.#forward
    if (version !== weight.version) plan.updateValues(weight.value.data)
    this.#forward.version = weight.version
    const y = plan.run(this.#images(x), { bias })
    return tensor(y.data, [x.shape[0], y.data.length / Math.max(1, x.shape[0])])
  }

  /** @param x the images, if the gradient of the weight is wanted */
  backward(dy: Tensor, x: Tensor | undefined, input: boolean, weight: Parameter): ProductGradients {
    if (!x && !input) return { dx: undefined, gradient: undefined }
    const needs = { dx: input, dValues: x !== undefined }
    const key = JSON.stringify(needs)
    if (this.#backward?.needs !== key) {
      this.#backward?.plan.dispose()
      const plan = sparseConv2dBackward.plan(this.w, { ...this.#options, needs })
      this.#backward = { plan, version: -1, needs: key }
    }
    const { plan, version } = this.#backward
    if (version !== weight.version) plan.updateValues(weight.value.data)
    this.#backward.version = weight.version
    const { outputs, inputs, height, width } = this.#shape
    const slopes = tensor(dy.data, [dy.shape[0], outputs, ...outputExtents(this.#shape)])
    const { dx, dValues } = plan.run(x && this.#images(x), slopes)
    return {
      dx: input ? tensor(dx.data, [dy.shape[0], inputs * height * width]) : undefined,
      gradient: x ? dValues : undefined,
    }
  }

  get packedBytes(): number {
    const plans = [this.#forward?.plan, this.#backward?.plan]
    return plans.reduce((sum, plan) => sum + (plan?.explain().packedBytes ?? 0), 0)
  }

  dispose(): void {
    this.#forward?.plan.dispose()
    this.#backward?.plan.dispose()
  }
}
