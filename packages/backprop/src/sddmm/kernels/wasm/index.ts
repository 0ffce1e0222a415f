import type { WasmVariant } from '@nnz/core'
import type { SddmmKernel } from '../types.ts'
import { bsrTiles } from './bsr.ts'
import { csrDots } from './csr.ts'
import { denseStrips } from './dense.ts'

const VARIANTS: readonly WasmVariant[] = ['relaxed', 'simd']

/** The WASM rows, in both variants. */
export const wasmKernels: readonly SddmmKernel[] = VARIANTS.flatMap((variant) => [
  csrDots(variant),
  bsrTiles(variant),
  denseStrips(variant, 'csr'),
  denseStrips(variant, 'bsr'),
])
