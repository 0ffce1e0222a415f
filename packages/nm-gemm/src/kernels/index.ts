import type { NmKernel } from './types.ts'
import { panelKernels } from './wasm/panels.ts'

/** The table: dispatch, tests, benchmarks and the README's list of kernels are driven by it. */
export const kernels: readonly NmKernel[] = Object.freeze((['relaxed', 'simd'] as const).flatMap(panelKernels))
