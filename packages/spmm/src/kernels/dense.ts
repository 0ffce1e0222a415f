import {
  type Backend,
  bsr,
  csr,
  type GemmKernel,
  type GemmProblem,
  gemmKernels,
  type Packing,
  type Runner,
  tensor,
} from '@nnz/core'
import type { SparseWeights, SpmmProblem } from '../problem.ts'
import { applyEpilogue, applyGate } from './activation-js.ts'
import { entriesOf } from './entries.ts'
import type { SpmmArguments, SpmmKernel } from './types.ts'

/** Weights with their zeros filled in, packed for the dense kernel. */
class DensePacking implements Packing {
  readonly inner: Packing
  readonly #weights: SparseWeights

  constructor(weights: SparseWeights, kernel: GemmKernel, problem: GemmProblem, backend: Backend) {
    this.#weights = weights
    const dense = weights.layout === 'csr' ? csr.toDense(weights) : bsr.toDense(weights)
    this.inner = kernel.pack({ matrix: tensor(dense, weights.shape) }, problem, backend)
  }

  get bytes(): number {
    return this.inner.bytes
  }

  updateValues(values: Float32Array): void {
    const [rows, columns] = this.#weights.shape
    const { rowOffsets, columnIndices, order } = entriesOf(this.#weights)
    const dense = new Float32Array(rows * columns)
    for (let row = 0; row < rows; row++) {
      for (let i = rowOffsets[row]; i < rowOffsets[row + 1]; i++)
        dense[row * columns + columnIndices[i]] = values[order ? order[i] : i]
    }
    this.inner.updateValues(dense)
  }

  dispose(): void {
    this.inner.dispose()
  }
}

function gemmProblem({ operation, m, k, n }: SpmmProblem): GemmProblem {
  return { operation: 'gemm', m, k, n, orientation: operation === 'linear' ? 'tokens' : 'columns' }
}

/** The dense kernel, as a candidate: the product, then the epilogue in place. */
function row(kernel: GemmKernel, layout: 'csr' | 'bsr'): SpmmKernel {
  return {
    name: `spmm_${layout}_f32__${kernel.backend}_${kernel.variant.replace(/^js_/, '')}_dense`,
    operation: 'spmm',
    backend: kernel.backend,
    variant: `${kernel.variant}_dense`,
    types: kernel.types,
    format: kernel.format,
    dense: true,
    supports(problem) {
      return problem.layout === layout
        ? kernel.supports(gemmProblem(problem))
        : `is for ${layout} weights, these are ${problem.layout}`
    },
    runFeatures: (problem) => kernel.runFeatures(gemmProblem(problem)),
    packFeatures: ({ m, k }) => [m * k],
    pack: (w, problem, backend) => new DensePacking(w, kernel, gemmProblem(problem), backend),
    plan(problem, packing, backend): Runner<SpmmArguments> {
      const inner = kernel.plan(gemmProblem(problem), (packing as DensePacking).inner, backend)
      const gated = problem.activation === 'swiglu' ? new Float32Array(problem.m * problem.n) : undefined
      return {
        run({ x, y, bias, residual }) {
          const n = x.shape[1]
          const product = gated ? tensor(gated.subarray(0, problem.m * n), [problem.m, n]) : y
          const added = residual === y ? { ...residual, data: residual.data.slice() } : residual
          inner.run({ x, y: product })
          applyEpilogue(product, gated ? 'none' : problem.activation, bias, gated ? undefined : added)
          if (gated) applyGate(product, y, added)
        },
      }
    },
  }
}

/** Every dense kernel of core, for both layouts. */
export const denseKernels: readonly SpmmKernel[] = gemmKernels.flatMap((kernel) => [
  row(kernel, 'csr'),
  row(kernel, 'bsr'),
])
