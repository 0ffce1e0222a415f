import { entriesKernel } from '@nnz/core'
import { entriesOf } from './entries.ts'
import type { F32Kernel } from './types.ts'

function row(layout: 'csr' | 'bsr'): F32Kernel {
  return entriesKernel({
    operation: 'spmm',
    contract: `spmm_${layout}_f32`,
    supports: (problem) => problem.layout === layout || `is for ${layout} weights, these are ${problem.layout}`,
    entriesOf,
  })
}

/** Plain JavaScript, for every layout. */
export const jsKernels: readonly F32Kernel[] = [row('csr'), row('bsr')]
