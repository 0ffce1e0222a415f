import { jsI8Kernels } from './js.ts'
import type { GemmI8Kernel } from './types.ts'
import { wasmI8Kernels } from './wasm.ts'

/** The table of kernels for dense i8 weights. */
export const gemmI8Kernels: readonly GemmI8Kernel[] = Object.freeze([...wasmI8Kernels, ...jsI8Kernels])
