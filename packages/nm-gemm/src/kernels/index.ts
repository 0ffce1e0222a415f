import type { WasmVariant } from '@nnz/core'
import { denseKernels } from './dense.ts'
import { jsKernels } from './js.ts'
import type { NmKernel } from './types.ts'
import { columnKernels } from './wasm/gemv.ts'
import { panelKernels } from './wasm/panels.ts'
import { scatterKernels } from './wasm/scatter.ts'

const VARIANTS: readonly WasmVariant[] = ['relaxed', 'simd']

/** The table: dispatch, tests, benchmarks and the README's list of kernels are driven by it. */
export const kernels: readonly NmKernel[] = Object.freeze([
  ...VARIANTS.flatMap((variant) => [...panelKernels(variant), ...columnKernels(variant), ...scatterKernels(variant)]),
  ...jsKernels,
  ...denseKernels,
])
