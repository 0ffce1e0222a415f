import { type Backend, GEMM_COSTS, type GemmKernel, type GemmProblem, type Packing, bsr, csr, gemmKernels, tensor } from '@nnz/core'
import type { SparseWeights, SpmmProblem } from '../problem.ts'
import { entriesOf } from './entries.ts'
import type { SpmmKernel } from './types.ts'
export const denseKernels: readonly SpmmKernel[] = []
void [bsr, csr, gemmKernels, tensor, entriesOf, GEMM_COSTS]
export type Unused = [Backend, GemmKernel, GemmProblem, Packing, SparseWeights, SpmmProblem]
