/**
 * Gzipped kB (1000 bytes) that a page pays, @nnz/core included: all four builds of the WASM kernels are in it.
 * Where a package is named, the README in the root states the figure.
 */
export const BUDGETS: readonly { name: string; statedFor?: string; source: string; kilobytes: number }[] = [
  {
    name: 'one call of spmm',
    source: "import { csr, spmm, tensor } from '@nnz/spmm'; Object.assign(globalThis, { csr, spmm, tensor })",
    kilobytes: 73,
  },
  {
    name: 'everything of @nnz/spmm',
    statedFor: '@nnz/spmm',
    source: "import * as nnz from '@nnz/spmm'; Object.assign(globalThis, nnz)",
    kilobytes: 75,
  },
  {
    name: 'everything of @nnz/nm-gemm',
    statedFor: '@nnz/nm-gemm',
    source: "import * as nnz from '@nnz/nm-gemm'; Object.assign(globalThis, nnz)",
    kilobytes: 110,
  },
  {
    name: 'one call of attention',
    source: "import { attention, tensor } from '@nnz/attention'; Object.assign(globalThis, { attention, tensor })",
    kilobytes: 55,
  },
  {
    name: 'everything of @nnz/attention',
    statedFor: '@nnz/attention',
    source: "import * as nnz from '@nnz/attention'; Object.assign(globalThis, nnz)",
    kilobytes: 72,
  },
  {
    name: 'everything of @nnz/backprop',
    statedFor: '@nnz/backprop',
    source: "import * as nnz from '@nnz/backprop'; Object.assign(globalThis, nnz)",
    kilobytes: 137,
  },
  {
    name: 'openSafetensors of @nnz/formats',
    source:
      "import { bytesSource, openSafetensors } from '@nnz/formats'; Object.assign(globalThis, { bytesSource, openSafetensors })",
    kilobytes: 3,
  },
  {
    name: 'everything of @nnz/formats',
    statedFor: '@nnz/formats',
    source: "import * as nnz from '@nnz/formats'; Object.assign(globalThis, nnz)",
    kilobytes: 21,
  },
  {
    name: 'magnitude and wanda of @nnz/prune',
    source: "import { magnitude, wanda } from '@nnz/prune'; Object.assign(globalThis, { magnitude, wanda })",
    kilobytes: 3,
  },
  {
    name: 'everything of @nnz/prune',
    statedFor: '@nnz/prune',
    source: "import * as nnz from '@nnz/prune'; Object.assign(globalThis, nnz)",
    kilobytes: 96,
  },
  {
    name: 'Encoder of @nnz/models',
    source: "import { Encoder } from '@nnz/models'; Object.assign(globalThis, { Encoder })",
    kilobytes: 302,
  },
  {
    name: 'everything of @nnz/models',
    statedFor: '@nnz/models',
    source: "import * as nnz from '@nnz/models'; Object.assign(globalThis, nnz)",
    kilobytes: 315,
  },
  {
    name: 'gemm of @nnz/core',
    source: "import { gemm, tensor } from '@nnz/core'; Object.assign(globalThis, { gemm, tensor })",
    kilobytes: 37,
  },
  {
    name: 'everything of @nnz/core',
    statedFor: '@nnz/core',
    source: "import * as nnz from '@nnz/core'; Object.assign(globalThis, nnz)",
    kilobytes: 49,
  },
]
