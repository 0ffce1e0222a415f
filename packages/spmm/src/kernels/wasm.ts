import type { SpmmKernel } from "./types.ts"
export const wasmKernels: readonly SpmmKernel[] = []
