import type { WasmVariant } from '@nnz/core'
import { i8Fours, i8Quads } from './compact/i8-wasm.ts'
import type { F32Kernel, SpmmKernel } from './types.ts'
import { bsrBlocks } from './wasm/bsr.ts'
import { csrPanels } from './wasm/csr.ts'
import { halfSellColumn, sellColumn } from './wasm/sell-row.ts'

const VARIANTS: readonly WasmVariant[] = ['relaxed', 'simd']

/** The WASM rows, in both variants. BSR weights can run as single entries, too: what small blocks are best at. */
export const wasmKernels: readonly F32Kernel[] = VARIANTS.flatMap((variant) => [
  csrPanels(variant, 'csr'),
  bsrBlocks(variant),
  csrPanels(variant, 'bsr'),
  sellColumn(variant, 'csr'),
  sellColumn(variant, 'bsr'),
])

/** The WASM rows that read values of 16 bits as they are. */
export const halfKernels: readonly SpmmKernel[] = VARIANTS.flatMap((variant) => [
  halfSellColumn(variant, 'csr'),
  halfSellColumn(variant, 'bsr'),
])

/** The WASM rows for i8 weights. */
export const i8Kernels: readonly SpmmKernel[] = VARIANTS.flatMap((variant) => [
  i8Quads(variant, 'csr'),
  i8Fours(variant),
  i8Quads(variant, 'bsr'),
])
