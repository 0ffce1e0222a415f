import type { WasmVariant } from '@nnz/core'
import { denseI8Kernels } from './compact/i8-dense.ts'
import { jsI8Kernels } from './compact/i8-js.ts'
import { forF32, forHalf } from './compact/widen.ts'
import { cudaKernels } from './cuda.ts'
import { denseKernels } from './dense.ts'
import { jsKernels } from './js.ts'
import type { F32Kernel, NmKernel } from './types.ts'
import { columnKernels, halfColumnKernels } from './wasm/gemv.ts'
import { columnI8Kernels } from './wasm/gemv-i8.ts'
import { panelI8Kernels } from './wasm/i8-panels.ts'
import { panelKernels } from './wasm/panels.ts'
import { scatterKernels } from './wasm/scatter.ts'

const VARIANTS: readonly WasmVariant[] = ['relaxed', 'simd']

const f32Kernels: readonly F32Kernel[] = [
  ...VARIANTS.flatMap((variant) => [...panelKernels(variant), ...columnKernels(variant), ...scatterKernels(variant)]),
  ...jsKernels,
  ...denseKernels,
]
const halfKernels = VARIANTS.flatMap(halfColumnKernels)
const own = new Set(halfKernels.map(({ name }) => name))
const widenedKernels = f32Kernels.map(forHalf).filter(({ name }) => !own.has(name))

/** The table: dispatch, tests, benchmarks and the README's list of kernels are driven by it. */
export const kernels: readonly NmKernel[] = Object.freeze([
  ...f32Kernels.map(forF32),
  ...halfKernels,
  ...widenedKernels,
  ...VARIANTS.flatMap((variant) => [...panelI8Kernels(variant), ...columnI8Kernels(variant)]),
  ...jsI8Kernels,
  ...denseI8Kernels,
  ...cudaKernels,
])
