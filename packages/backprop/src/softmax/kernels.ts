import { jsKernels } from './js.ts'
import type { SoftmaxKernel } from './problem.ts'
import { wasmKernels } from './wasm.ts'

const all: readonly SoftmaxKernel[] = [...wasmKernels, ...jsKernels]

/** The table of `sparseSoftmax`. */
export const softmaxKernels: readonly SoftmaxKernel[] = Object.freeze(
  all.filter(({ operation }) => operation === 'sparseSoftmax'),
)

/** The table of `sparseSoftmaxBackward`. */
export const softmaxBackwardKernels: readonly SoftmaxKernel[] = Object.freeze(
  all.filter(({ operation }) => operation === 'sparseSoftmaxBackward'),
)
