import {
  dense,
  denseRunner,
  type GemmI8Kernel,
  type GemmI8Problem,
  gemmI8Kernels,
  type I8Values,
  type Packing,
} from '@nnz/core'
import type { CompactWeights, SpmmProblem } from '../../problem.ts'
import { structureOf } from '../entries.ts'
import type { SpmmKernel } from '../types.ts'
import { otherValues, requantised } from './values.ts'

/** The matrix with its zeros, its scales as they are. */
function filled(w: CompactWeights) {
  const [rows, columns] = w.shape
  const { data, scales, groupColumns } = w.values as I8Values
  const { rowOffsets, columnIndices, order } = structureOf(w)
  const values = new Int8Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    for (let i = rowOffsets[row]; i < rowOffsets[row + 1]; i++)
      values[row * columns + columnIndices[i]] = data[order ? order[i] : i]
  }
  return dense({ shape: w.shape, values: { type: 'i8', data: values, length: values.length, scales, groupColumns } })
}

class FilledPacking implements Packing {
  readonly inner: Packing
  readonly #weights: CompactWeights

  constructor(inner: Packing, weights: CompactWeights) {
    this.inner = inner
    this.#weights = weights
  }

  get bytes(): number {
    return this.inner.bytes
  }

  /** Scales are those of the stored entries, as zeros change no largest magnitude: the dense kernel may quantise. */
  updateValues(values: Float32Array): void {
    const w = requantised(this.#weights, values)
    this.inner.updateValues(dense.toFloat32(filled(w)).values)
  }

  dispose(): void {
    this.inner.dispose()
  }
}

function gemmProblem({ m, k, n, orientation, groupColumns }: SpmmProblem): GemmI8Problem {
  return { operation: 'gemm', m, k, n, orientation, groupColumns: groupColumns ?? k }
}

function row(kernel: GemmI8Kernel, layout: 'csr' | 'bsr'): SpmmKernel {
  return {
    name: `spmm_${layout}_i8__${kernel.backend}_${kernel.variant.replace(/^js_/, '')}_dense`,
    operation: 'spmm',
    backend: kernel.backend,
    variant: `${kernel.variant}_dense`,
    types: kernel.types,
    format: kernel.format,
    dense: true,
    supports(problem) {
      if (problem.valueType !== 'i8') return otherValues('i8', problem.valueType)
      if (problem.layout !== layout) return `is for ${layout} weights, these are ${problem.layout}`
      return kernel.supports(gemmProblem(problem))
    },
    runFeatures: (problem) => kernel.runFeatures(gemmProblem(problem)),
    packFeatures: ({ m, k }) => [m * k],
    pack(w, problem, backend) {
      const weights = w as CompactWeights
      return new FilledPacking(kernel.pack({ matrix: filled(weights) }, gemmProblem(problem), backend), weights)
    },
    plan: (problem, packing, backend) =>
      denseRunner(problem, kernel.plan(gemmProblem(problem), (packing as FilledPacking).inner, backend), backend),
  }
}

/** Every dense kernel of core for i8 weights, as a candidate. */
export const denseI8Kernels: readonly SpmmKernel[] = gemmI8Kernels.flatMap((kernel) => [
  row(kernel, 'csr'),
  row(kernel, 'bsr'),
])
