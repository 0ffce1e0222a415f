/**
 * Gzipped kB (1000 bytes) that a page pays, @nnz/core included: all four builds of the WASM kernels are in it.
 * Where a package is named, the README in the root states the figure.
 */
export const BUDGETS: readonly { name: string; statedFor?: string; source: string; kilobytes: number }[] = [
  {
    name: 'one call of spmm',
    source: "import { csr, spmm, tensor } from '@nnz/spmm'; Object.assign(globalThis, { csr, spmm, tensor })",
    kilobytes: 48,
  },
  {
    name: 'everything of @nnz/spmm',
    statedFor: '@nnz/spmm',
    source: "import * as nnz from '@nnz/spmm'; Object.assign(globalThis, nnz)",
    kilobytes: 49,
  },
  {
    name: 'gemm of @nnz/core',
    source: "import { gemm, tensor } from '@nnz/core'; Object.assign(globalThis, { gemm, tensor })",
    kilobytes: 23,
  },
  {
    name: 'everything of @nnz/core',
    statedFor: '@nnz/core',
    source: "import * as nnz from '@nnz/core'; Object.assign(globalThis, nnz)",
    kilobytes: 26,
  },
]
