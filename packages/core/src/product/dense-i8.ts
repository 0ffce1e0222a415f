import { gemmI8Kernels } from '../gemm/i8/index.ts'
import type { GemmI8Kernel, GemmI8Problem } from '../gemm/i8/types.ts'
import { type CompactDense, dense } from '../layouts/dense.ts'
import type { Kernel } from '../plan/kernel.ts'
import { ConvertedPacking } from './converted-packing.ts'
import { denseRunner } from './dense.ts'
import type { ProductArguments, ProductProblem } from './problem.ts'

/** A product whose weights may be i8 values that share scales. */
export interface I8ProductProblem extends ProductProblem {
  /** Columns that share a scale; all where undefined. */
  readonly groupColumns?: number | undefined
}

/** i8 weights of another layout, as the dense kernels see them. */
export interface DenseI8View<P extends I8ProductProblem, W> {
  /** The operation of the table, and the contract in front of `__` of the rows' names: `spmm_csr_i8`. */
  readonly operation: string
  readonly contract: string
  readonly supports: (problem: P) => true | string
  /** The matrix with its zeros, and its scales as they are. */
  readonly toDense: (weights: W) => CompactDense
  /** The weights with other values, quantised in the same groups. */
  readonly requantised: (weights: W, values: Float32Array) => W
}

function gemmProblem({ m, k, n, orientation, groupColumns }: I8ProductProblem): GemmI8Problem {
  return { operation: 'gemm', m, k, n, orientation, groupColumns: groupColumns ?? k }
}

function row<P extends I8ProductProblem, W>(
  kernel: GemmI8Kernel,
  { operation, contract, supports, toDense, requantised }: DenseI8View<P, W>,
): Kernel<P, W, ProductArguments> {
  return {
    name: `${contract}__${kernel.backend}_${kernel.variant.replace(/^js_/, '')}_dense`,
    operation,
    backend: kernel.backend,
    variant: `${kernel.variant}_dense`,
    types: kernel.types,
    format: kernel.format,
    dense: true,
    supports(problem) {
      const supported = supports(problem)
      return supported === true ? kernel.supports(gemmProblem(problem)) : supported
    },
    runFeatures: (problem) => kernel.runFeatures(gemmProblem(problem)),
    packFeatures: ({ m, k }) => [m * k],
    pack(weights, problem, backend) {
      const inner = kernel.pack({ matrix: toDense(weights) }, gemmProblem(problem), backend)
      // Scales are those of the stored entries, as zeros change no largest magnitude: the dense kernel may quantise.
      return new ConvertedPacking(inner, (values) => dense.toFloat32(toDense(requantised(weights, values))).values)
    },
    plan(problem, packing, backend) {
      const inner = kernel.plan(gemmProblem(problem), (packing as ConvertedPacking).inner, backend)
      return denseRunner(problem, inner, backend)
    },
  }
}

/** Every dense kernel for i8 weights, as a candidate for weights of another layout. */
export function denseI8Candidates<P extends I8ProductProblem, W>(
  view: DenseI8View<P, W>,
): readonly Kernel<P, W, ProductArguments>[] {
  return gemmI8Kernels.map((kernel) => row(kernel, view))
}
