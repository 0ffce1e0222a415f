import type { GemmKernel } from "./types.ts"
export const wasmKernels: readonly GemmKernel[] = []
