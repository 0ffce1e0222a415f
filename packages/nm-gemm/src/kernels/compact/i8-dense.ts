import {
  type CompactDense,
  dense,
  denseRunner,
  type GemmI8Kernel,
  type GemmI8Problem,
  gemmI8Kernels,
  type I8Values,
  type Packing,
} from '@nnz/core'
import type { CompactNmWeights, NmProblem } from '../../problem.ts'
import { CONTRACTS, type Contract, supportsContract } from '../contracts.ts'
import { columnsOf } from '../regular-rows.ts'
import type { NmKernel } from '../types.ts'
import { otherValues, requantised } from './values.ts'

/** The matrix with its zeros, its scales as they are. */
function filled(w: CompactNmWeights): CompactDense {
  const [rows, width] = w.shape
  const { data, scales, groupColumns } = w.values as I8Values
  const { columns, entries } = columnsOf(w)
  const values = new Int8Array(rows * width)
  for (let i = 0; i < columns.length; i++) values[Math.floor(i / entries) * width + columns[i]] = data[i]
  return dense({ shape: w.shape, values: { type: 'i8', data: values, length: values.length, scales, groupColumns } })
}

class FilledPacking implements Packing {
  readonly inner: Packing
  readonly #weights: CompactNmWeights

  constructor(inner: Packing, weights: CompactNmWeights) {
    this.inner = inner
    this.#weights = weights
  }

  get bytes(): number {
    return this.inner.bytes
  }

  /** Scales are those of the stored entries, as zeros change no largest magnitude: the dense kernel may quantise. */
  updateValues(values: Float32Array): void {
    this.inner.updateValues(dense.toFloat32(filled(requantised(this.#weights, values))).values)
  }

  dispose(): void {
    this.inner.dispose()
  }
}

function gemmProblem({ m, k, n, orientation, groupColumns }: NmProblem): GemmI8Problem {
  return { operation: 'gemm', m, k, n, orientation, groupColumns: groupColumns ?? k }
}

function row(kernel: GemmI8Kernel, contract: Contract): NmKernel {
  return {
    name: `nmGemm_${contract.layout}_i8__${kernel.backend}_${kernel.variant.replace(/^js_/, '')}_dense`,
    operation: 'nmGemm',
    backend: kernel.backend,
    variant: `${kernel.variant}_dense`,
    types: kernel.types,
    format: kernel.format,
    dense: true,
    supports(problem) {
      if (problem.valueType !== 'i8') return otherValues('i8', problem)
      const supported = supportsContract(problem, contract)
      return supported === true ? kernel.supports(gemmProblem(problem)) : supported
    },
    runFeatures: (problem) => kernel.runFeatures(gemmProblem(problem)),
    packFeatures: ({ m, k }) => [m * k],
    pack(w, problem, backend) {
      const weights = w as CompactNmWeights
      return new FilledPacking(kernel.pack({ matrix: filled(weights) }, gemmProblem(problem), backend), weights)
    },
    plan: (problem, packing, backend) =>
      denseRunner(problem, kernel.plan(gemmProblem(problem), (packing as FilledPacking).inner, backend), backend),
  }
}

/** Every dense kernel of core for i8 weights, as a candidate. */
export const denseI8Kernels: readonly NmKernel[] = CONTRACTS.filter(({ operation }) => operation === 'nmGemm').flatMap(
  (contract) => gemmI8Kernels.map((kernel) => row(kernel, contract)),
)
