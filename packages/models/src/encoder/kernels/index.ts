import { type Backend, isWasm } from '@nnz/core'
import { jsKernels, jsOperations } from './js.ts'
import type { EncoderKernel, EncoderOperations } from './types.ts'
import { type Sizes, wasmKernels, wasmOperations } from './wasm.ts'

/** The table of this package's kernels: what an encoder does beside products. */
export const kernels: readonly EncoderKernel[] = Object.freeze([...wasmKernels, ...jsKernels])

/** The operations of a backend, on tensors of its memory. */
export function operationsOf(backend: Backend, sizes: Sizes): EncoderOperations {
  return isWasm(backend) ? wasmOperations(backend, sizes) : jsOperations
}
