import type { DecodeKernel } from '../decode/problem.ts'
import { jsDecodeKernel } from './decode-js.ts'
import { jsBackwardKernel, jsKernel } from './js.ts'
import type { AttentionKernel, BackwardKernel } from './types.ts'
import { wasmDecodeKernels } from './wasm/decode.ts'
import { wasmBackwardKernels, wasmKernels } from './wasm.ts'

/** Rows of `attention`. */
export const attentionKernels: readonly AttentionKernel[] = Object.freeze([...wasmKernels, jsKernel])

/** Rows of `attentionBackward`. */
export const backwardKernels: readonly BackwardKernel[] = Object.freeze([...wasmBackwardKernels, jsBackwardKernel])

/** Rows of `decodeAttention`. */
export const decodeKernels: readonly DecodeKernel[] = Object.freeze([...wasmDecodeKernels, jsDecodeKernel])

/** The table: dispatch, tests, benchmarks and the README's list of kernels are driven by it. */
export const kernels: readonly (AttentionKernel | BackwardKernel | DecodeKernel)[] = Object.freeze([
  ...attentionKernels,
  ...backwardKernels,
  ...decodeKernels,
])
