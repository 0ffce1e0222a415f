import { type Backend, type Csr, type Tensor, tensor } from '@nnz/core'
import { SpmmPlan } from '@nnz/spmm'
import { SpmmBackwardPlan } from '../backward/plan.ts'
import type { BackwardArguments, Conv2dRunner, ForwardArguments } from './runner.ts'
import { type Conv2dShape, imageOf } from './shape.ts'

function matrixOf(images: Tensor, i: number): Tensor {
  return tensor(imageOf(images, i), [images.shape[1], images.shape[2] * images.shape[3]])
}

/** A 1x1 convolution: w times each image as a matrix [channels, pixels]. */
export function productForward(
  w: Csr,
  { height, width }: Conv2dShape,
  backend: Backend,
): Conv2dRunner<ForwardArguments> {
  const plan = new SpmmPlan('spmm', w, { columns: height * width, backend })
  const { kernel, packedBytes } = plan.explain()
  return {
    method: kernel,
    bytes: packedBytes,
    run({ x, y, bias }) {
      for (let i = 0; i < x.shape[0]; i++) plan.run(matrixOf(x, i), { out: matrixOf(y, i), bias })
    },
    updateValues: (values) => plan.updateValues(values),
    dispose: () => plan.dispose(),
  }
}

/** The backward pass of a 1x1 convolution. */
export function productBackward(
  w: Csr,
  { height, width }: Conv2dShape,
  needs: { readonly dx: boolean; readonly dValues: boolean; readonly dBias: boolean },
  backend: Backend,
): Conv2dRunner<BackwardArguments> {
  const plan = new SpmmBackwardPlan('spmmBackward', w, { columns: height * width, backend, needs })
  const { dx, dValues, packedBytes } = plan.explain()
  return {
    method: [dx, dValues].flatMap((part) => (part ? [part.kernel] : [])).join(' and '),
    bytes: packedBytes,
    run({ x, dy, dx: target, dValues: values, dBias }) {
      values?.fill(0)
      dBias?.fill(0)
      for (let i = 0; i < dy.shape[0]; i++) {
        const out = { dx: target && matrixOf(target, i), dValues: values, dBias }
        plan.run(x && matrixOf(x, i), matrixOf(dy, i), { out, accumulate: true })
      }
    },
    updateValues: (next) => plan.updateValues(next),
    dispose: () => plan.dispose(),
  }
}
