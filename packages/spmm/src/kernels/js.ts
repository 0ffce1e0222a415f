import { entriesKernel } from '@nnz/core'
import { entriesOf } from './entries.ts'
import type { SpmmKernel } from './types.ts'

function row(layout: 'csr' | 'bsr'): SpmmKernel {
  return entriesKernel({
    operation: 'spmm',
    contract: `spmm_${layout}_f32`,
    supports: (problem) => problem.layout === layout || `is for ${layout} weights, these are ${problem.layout}`,
    entriesOf,
  })
}

/** Plain JavaScript, for every layout. */
export const jsKernels: readonly SpmmKernel[] = [row('csr'), row('bsr')]
