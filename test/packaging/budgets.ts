/** Gzipped kB (1000 bytes) that a page may pay, @nnz/core included: all four builds of the WASM kernels are in it. */
export const BUDGETS: readonly { name: string; source: string; kilobytes: number }[] = [
  {
    name: 'one call of spmm',
    source: "import { csr, spmm, tensor } from '@nnz/spmm'; Object.assign(globalThis, { csr, spmm, tensor })",
    kilobytes: 60,
  },
  {
    name: 'everything of @nnz/spmm',
    source: "import * as nnz from '@nnz/spmm'; Object.assign(globalThis, nnz)",
    kilobytes: 62,
  },
  {
    name: 'gemm of @nnz/core',
    source: "import { gemm, tensor } from '@nnz/core'; Object.assign(globalThis, { gemm, tensor })",
    kilobytes: 28,
  },
  {
    name: 'everything of @nnz/core',
    source: "import * as nnz from '@nnz/core'; Object.assign(globalThis, nnz)",
    kilobytes: 32,
  },
]
