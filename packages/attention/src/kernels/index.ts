import { jsBackwardKernel, jsKernel } from './js.ts'
import type { AttentionKernel, BackwardKernel } from './types.ts'
import { wasmBackwardKernels, wasmKernels } from './wasm.ts'

/** Rows of `attention`. */
export const attentionKernels: readonly AttentionKernel[] = Object.freeze([...wasmKernels, jsKernel])

/** Rows of `attentionBackward`. */
export const backwardKernels: readonly BackwardKernel[] = Object.freeze([...wasmBackwardKernels, jsBackwardKernel])

/** The table: dispatch, tests, benchmarks and the README's list of kernels are driven by it. */
export const kernels: readonly (AttentionKernel | BackwardKernel)[] = Object.freeze([
  ...attentionKernels,
  ...backwardKernels,
])
