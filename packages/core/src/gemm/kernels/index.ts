import { jsKernels } from './js.ts'
import type { GemmKernel } from './types.ts'
import { wasmKernels } from './wasm.ts'

/** The table of dense kernels: the fallback of every dispatch and the in-house dense baseline. */
export const gemmKernels: readonly GemmKernel[] = Object.freeze([...wasmKernels, ...jsKernels])
