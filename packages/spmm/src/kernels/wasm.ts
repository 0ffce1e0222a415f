import type { WasmVariant } from '@nnz/core'
import type { SpmmKernel } from './types.ts'
import { bsrBlocks } from './wasm/bsr.ts'
import { csrPanels } from './wasm/csr.ts'
import { sellColumn } from './wasm/sell-row.ts'

const VARIANTS: readonly WasmVariant[] = ['relaxed', 'simd']

/** The WASM rows, in both variants. BSR weights can run as single entries, too: what small blocks are best at. */
export const wasmKernels: readonly SpmmKernel[] = VARIANTS.flatMap((variant) => [
  csrPanels(variant, 'csr'),
  bsrBlocks(variant),
  csrPanels(variant, 'bsr'),
  sellColumn(variant, 'csr'),
  sellColumn(variant, 'bsr'),
])
