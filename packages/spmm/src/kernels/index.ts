import { denseI8Kernels } from './compact/i8-dense.ts'
import { jsI8Kernels } from './compact/i8-js.ts'
import { forF32, forHalf } from './compact/widen.ts'
import { cudaKernels } from './cuda.ts'
import { denseKernels } from './dense.ts'
import { jsKernels } from './js.ts'
import type { SpmmKernel } from './types.ts'
import { halfKernels, i8Kernels, wasmKernels } from './wasm.ts'

const f32Kernels = [...wasmKernels, ...jsKernels, ...denseKernels]
const own = new Set(halfKernels.map(({ name }) => name))
const widenedKernels = f32Kernels.map(forHalf).filter(({ name }) => !own.has(name))

/** The table: dispatch, tests, benchmarks and the README's list of kernels are driven by it. */
export const kernels: readonly SpmmKernel[] = Object.freeze([
  ...f32Kernels.map(forF32),
  ...halfKernels,
  ...widenedKernels,
  ...i8Kernels,
  ...jsI8Kernels,
  ...denseI8Kernels,
  ...cudaKernels,
])
