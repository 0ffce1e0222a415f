import type { Backend } from '../backends/backend.ts'
import { isWasm } from '../backends/resolve.ts'
import type { WasmBackend } from '../backends/wasm.ts'
import { Workspace } from '../backends/workspace.ts'
import { gemmKernels } from '../gemm/kernels/index.ts'
import type { GemmArguments, GemmKernel } from '../gemm/kernels/types.ts'
import type { GemmProblem } from '../gemm/problem.ts'
import type { Kernel, Runner } from '../plan/kernel.ts'
import { overlaps, tensor } from '../tensor.ts'
import { ConvertedPacking } from './converted-packing.ts'
import { applyEpilogue, applyGate } from './epilogue-js.ts'
import { createFinish } from './epilogue-wasm.ts'
import type { ProductArguments, ProductProblem } from './problem.ts'

/** Weights of another layout, as the dense kernels see them. */
export interface DenseView<P extends ProductProblem, W> {
  /** The operation of the table, and the contract in front of `__` of the rows' names: `spmm_csr_f32`. */
  readonly operation: string
  readonly contract: string
  /** What stands in front of the formats of core's dense kernels, where they would be those of another matrix. Default: nothing. */
  readonly formatPrefix?: string
  readonly supports: (problem: P) => true | string
  /** The row-major matrix [M, K] with other values, given in the layout's canonical order; by default its own. */
  readonly toDense: (weights: W, values?: Float32Array) => Float32Array
}

function gemmProblem({ m, k, n, orientation }: ProductProblem): GemmProblem {
  return { operation: 'gemm', m, k, n, orientation }
}

/** The dense kernel, as a candidate: the product, then the epilogue in place. */
function row<P extends ProductProblem, W>(
  kernel: GemmKernel,
  { operation, contract, formatPrefix = '', supports, toDense }: DenseView<P, W>,
): Kernel<P, W, ProductArguments> {
  return {
    name: `${contract}__${kernel.backend}_${kernel.variant.replace(/^js_/, '')}_dense`,
    operation,
    backend: kernel.backend,
    variant: `${kernel.variant}_dense`,
    types: kernel.types,
    format: `${formatPrefix}${kernel.format}`,
    dense: true,
    supports(problem) {
      const supported = supports(problem)
      return supported === true ? kernel.supports(gemmProblem(problem)) : supported
    },
    runFeatures: (problem) => kernel.runFeatures(gemmProblem(problem)),
    packFeatures: ({ m, k }) => [m * k],
    pack(weights, problem, backend) {
      const matrix = tensor(toDense(weights), [problem.m, problem.k])
      const inner = kernel.pack({ matrix }, gemmProblem(problem), backend)
      return new ConvertedPacking(inner, (values) => toDense(weights, values))
    },
    plan(problem, packing, backend) {
      return denseRunner(
        problem,
        kernel.plan(gemmProblem(problem), (packing as ConvertedPacking).inner, backend),
        backend,
      )
    },
  }
}

/** A dense product as one with bias, residual and activation. */
export function denseRunner(
  problem: ProductProblem,
  inner: Runner<GemmArguments>,
  backend: Backend,
): Runner<ProductArguments> {
  return isWasm(backend) ? planWasm(problem, inner, backend) : planJs(problem, inner)
}

function planWasm(
  problem: ProductProblem,
  inner: Runner<GemmArguments>,
  backend: WasmBackend,
): Runner<ProductArguments> {
  const workspace = new Workspace(backend)
  // The dense kernel has the first part of the workspace for itself.
  workspace.region(inner.workspaceBytes ?? 0)
  const finish = createFinish(problem, backend, workspace)
  return {
    run(args) {
      const { x } = args
      finish(args, problem.orientation === 'tokens' ? 'columns' : 'rows', (to) => {
        const strides = [to.rowStride / 4, to.columnStride / 4]
        inner.run({ x, y: tensor(backend.memory.f32.subarray(to.address / 4), [problem.m, x.shape[1]], { strides }) })
      })
    },
  }
}

function planJs(problem: ProductProblem, inner: Runner<GemmArguments>): Runner<ProductArguments> {
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

/** Every dense kernel, as a candidate for weights of another layout. */
export function denseCandidates<P extends ProductProblem, W>(
  view: DenseView<P, W>,
): readonly Kernel<P, W, ProductArguments>[] {
  return gemmKernels.map((kernel) => row(kernel, view))
}
