import { jsKernels } from './js.ts'
import type { SddmmKernel } from './types.ts'
import { wasmKernels } from './wasm/index.ts'

/** The table of `sddmm`: dispatch, tests, benchmarks and the README's list of kernels are driven by it. */
export const sddmmKernels: readonly SddmmKernel[] = Object.freeze([...wasmKernels, ...jsKernels])
