import {
  type Backend,
  bsr,
  csr,
  type GemmArguments,
  type GemmKernel,
  type GemmProblem,
  gemmKernels,
  isWasm,
  overlaps,
  type Packing,
  type Runner,
  tensor,
  type WasmBackend,
  Workspace,
} from '@nnz/core'
import type { SparseWeights, SpmmProblem } from '../problem.ts'
import { applyEpilogue, applyGate } from './activation-js.ts'
import { entriesOf } from './entries.ts'
import type { SpmmArguments, SpmmKernel } from './types.ts'
import { createFinish } from './wasm/epilogue.ts'

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
    plan(problem, packing, backend) {
      const inner = kernel.plan(gemmProblem(problem), (packing as DensePacking).inner, backend)
      return isWasm(backend) ? planWasm(problem, inner, backend) : planJs(problem, inner)
    },
  }
}

function planWasm(problem: SpmmProblem, inner: Runner<GemmArguments>, backend: WasmBackend): Runner<SpmmArguments> {
  const workspace = new Workspace(backend)
  // The dense kernel has the first part of the workspace for itself.
  workspace.region(inner.workspaceBytes ?? 0)
  const finish = createFinish(problem, backend, workspace)
  return {
    run(args) {
      const { x } = args
      finish(args, problem.operation === 'linear' ? 'columns' : 'rows', (to) => {
        const strides = [to.rowStride / 4, to.columnStride / 4]
        inner.run({ x, y: tensor(backend.memory.f32.subarray(to.address / 4), [problem.m, x.shape[1]], { strides }) })
      })
    },
  }
}

function planJs(problem: SpmmProblem, inner: Runner<GemmArguments>): Runner<SpmmArguments> {
  const gated = problem.activation === 'swiglu' ? new Float32Array(problem.m * problem.n) : undefined
  return {
    run({ x, y, bias, residual }) {
      const n = x.shape[1]
      const product = gated ? tensor(gated.subarray(0, problem.m * n), [problem.m, n]) : y
      // Before the product is written: y may be the residual itself.
      const added = residual && overlaps(residual, y) ? { ...residual, data: residual.data.slice() } : residual
      inner.run({ x, y: product })
      applyEpilogue(product, gated ? 'none' : problem.activation, bias, gated ? undefined : added)
      if (gated) applyGate(product, y, added)
    },
  }
}

/** Every dense kernel of core, for both layouts. */
export const denseKernels: readonly SpmmKernel[] = gemmKernels.flatMap((kernel) => [
  row(kernel, 'csr'),
  row(kernel, 'bsr'),
])
