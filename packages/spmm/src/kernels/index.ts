import { denseKernels } from './dense.ts'
import { jsKernels } from './js.ts'
import type { SpmmKernel } from './types.ts'
import { wasmKernels } from './wasm.ts'

/** The table: dispatch, tests, benchmarks and the README's list of kernels are driven by it. */
export const kernels: readonly SpmmKernel[] = Object.freeze([...wasmKernels, ...jsKernels, ...denseKernels])
