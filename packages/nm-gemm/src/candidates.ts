import {
  type CompactCsr,
  type CompactType,
  type CostModel,
  type Csr,
  csr,
  type Kernel,
  type Packing,
  type ProductArguments,
  type ProductProblem,
  reorder,
} from '@nnz/core'
import { entriesOf, entryArrays } from './kernels/entries.ts'
import type { NmKernel } from './kernels/types.ts'
import type { AnyNmWeights, NmProblem, NmWeights } from './problem.ts'

/** The problem that a kernel for csr weights gets. */
export interface CsrProblem extends ProductProblem {
  readonly operation: 'spmm' | 'linear'
  readonly layout: 'csr'
  readonly nnz: number
  readonly blockShape: undefined
  readonly valueType?: CompactType | undefined
  readonly groupColumns?: number | undefined
}

/** Kernels for csr weights and what they cost: `spmm` of `@nnz/spmm` is one. */
export interface CsrTable {
  readonly kernels: readonly Kernel<CsrProblem, Csr | CompactCsr, ProductArguments>[]
  readonly costs: CostModel
}

function csrProblem({ m, k, n, nnz, orientation, activation, valueType, groupColumns }: NmProblem): CsrProblem {
  const operation = orientation === 'tokens' ? 'linear' : 'spmm'
  const shape = { m, k, n, nnz, blockShape: undefined }
  return { operation, layout: 'csr', orientation, ...shape, activation, valueType, groupColumns }
}

/** The entries as csr, and where they stand among the values of w. */
function csrOf(w: AnyNmWeights, problem: NmProblem): { csr: Csr | CompactCsr; order: Uint32Array | undefined } {
  if (problem.operation !== 'nmGemmTransposed')
    return { csr: csr({ ...entryArrays(w), shape: w.shape, values: w.values as Float32Array }), order: undefined }
  const { rowOffsets, columnIndices, values, order } = entriesOf(w as NmWeights, problem)
  return { csr: csr({ shape: [problem.m, problem.k], rowOffsets, columnIndices, values }), order }
}

class CsrPacking implements Packing {
  readonly inner: Packing
  readonly #order: Uint32Array | undefined

  constructor(inner: Packing, order: Uint32Array | undefined) {
    this.inner = inner
    this.#order = order
  }

  get bytes(): number {
    return this.inner.bytes
  }

  updateValues(values: Float32Array): void {
    this.inner.updateValues(reorder(values, this.#order))
  }

  dispose(): void {
    this.inner.dispose()
  }
}

/** A kernel for csr weights as a candidate for N:M weights. */
function candidate(kernel: CsrTable['kernels'][number]): NmKernel {
  return {
    ...kernel,
    // Not to be taken for a packing of this package, nor for one of the other product of the same weights.
    format: `csr-${kernel.format}`,
    supports(problem) {
      if (problem.operation === 'nmGemmTransposed' && problem.valueType !== undefined)
        return `is for f32 values where w is transposed, these are ${problem.valueType}`
      return kernel.supports(csrProblem(problem))
    },
    runFeatures: (problem) => kernel.runFeatures(csrProblem(problem)),
    packFeatures: (problem) => kernel.packFeatures(csrProblem(problem)),
    pack(w, problem, backend) {
      const { csr: entries, order } = csrOf(w, problem)
      return new CsrPacking(kernel.pack(entries, csrProblem(problem), backend), order)
    },
    plan: (problem, packing, backend) => kernel.plan(csrProblem(problem), (packing as CsrPacking).inner, backend),
  }
}

/** The sparse kernels of tables for csr weights, as candidates; the dense ones are in every table already. */
export function csrCandidates(tables: readonly CsrTable[], transposed: boolean): NmKernel[] {
  return tables.flatMap(({ kernels }) =>
    kernels
      .filter(({ dense }) => !dense)
      .map((kernel) => {
        const row = candidate(kernel)
        return transposed ? { ...row, format: `transposed-${row.format}` } : row
      }),
  )
}
