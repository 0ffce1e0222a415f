import type { Csr, Tensor } from '@nnz/core'
import type { Gradients, Needs } from '../backward/options.ts'
import { expectOptions } from '../checks.ts'
import {
  type Conv2dBackwardPlanOptions,
  type Conv2dBackwardRunOptions,
  type Conv2dOptions,
  type Conv2dPlanOptions,
  type Conv2dRunOptions,
  SparseConv2dBackwardPlan,
  SparseConv2dPlan,
} from './plan.ts'
import { expectImages } from './shape.ts'

function forward(w: Csr, x: Tensor, options: Conv2dOptions & Conv2dRunOptions): Tensor {
  expectOptions(options, 'sparseConv2d')
  const [, , height, width] = expectImages(x, [undefined, undefined, undefined, undefined], 'sparseConv2d: x').shape
  const plan = new SparseConv2dPlan(w, { ...options, height, width })
  try {
    return plan.run(x, options)
  } finally {
    plan.dispose()
  }
}

/** Options of {@link sparseConv2dBackward}. */
export interface Conv2dBackwardOptions extends Conv2dOptions, Conv2dBackwardRunOptions {
  needs?: Needs | undefined
}

function backward(w: Csr, x: Tensor, dy: Tensor, options: Conv2dBackwardOptions): Gradients {
  expectOptions(options, 'sparseConv2dBackward')
  const any = [undefined, undefined, undefined, undefined]
  const [, , height, width] = expectImages(x, any, 'sparseConv2dBackward: x').shape
  const plan = new SparseConv2dBackwardPlan(w, { ...options, height, width })
  try {
    return plan.run(x, dy, options)
  } finally {
    plan.dispose()
  }
}

/**
 * Convolution of images [batch, channels, height, width] with sparse weights, a csr
 * [outChannels, channels * kernel height * kernel width] whose columns are the taps in the order of a dense
 * [outChannels, channels, kernel height, kernel width] tensor.
 *
 * - `sparseConv2d(w, x, { kernelSize, stride, padding, bias })` returns [batch, outChannels, outHeight, outWidth].
 * - `sparseConv2d.plan(w, { kernelSize, stride, padding, height, width })` prepares images of one size; see
 *   {@link SparseConv2dPlan}.
 *
 * No image is unfolded: each weight reads its plane shifted, as SparseProp does (arXiv 2302.04852). A 1x1 kernel is `spmm`.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit
 */
export const sparseConv2d = Object.assign(forward, {
  plan: (w: Csr, options: Conv2dPlanOptions): SparseConv2dPlan => new SparseConv2dPlan(w, options),
})

/**
 * Gradients of {@link sparseConv2d}: of the images, of the stored weights in their canonical order, and of the bias. Images
 * must be finite: grids are widened with zeros, which meet what stands beside an image's edge.
 *
 * - `sparseConv2dBackward(w, x, dy, { kernelSize, stride, padding, needs })`
 * - `sparseConv2dBackward.plan(w, { …, height, width })`; see {@link SparseConv2dBackwardPlan}.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit
 */
export const sparseConv2dBackward = Object.assign(backward, {
  plan: (w: Csr, options: Conv2dBackwardPlanOptions): SparseConv2dBackwardPlan =>
    new SparseConv2dBackwardPlan(w, options),
})
