import {
  deviceDenseCandidate,
  deviceRow,
  expectDevice,
  type HalfType,
  type Nm,
  nm,
  supportsHalf,
  supportsOnDevice,
  TensorCorePacking,
  tensorCoreRunner,
} from '@nnz/core'
import { type AnyNmWeights, bytes, type NmProblem } from '../problem.ts'
import { widened } from './compact/values.ts'
import { CONTRACTS, type Contract, supportsContract } from './contracts.ts'
import { filled } from './dense.ts'
import type { NmKernel } from './types.ts'

function supports(problem: NmProblem, contract: Contract): true | string {
  const { n, m, g } = problem.pattern
  if (n !== 2 || m !== 4 || g !== 1) return `is for 2:4 weights, these are ${n}:${m} in groups of ${g}`
  for (const answer of [
    supportsContract(problem, contract),
    supportsHalf(problem),
    supportsOnDevice(problem.activation),
  ])
    if (answer !== true) return answer
  if (contract.operation === 'nmGemm') return true
  return problem.transposable || 'is for weights that are 2:4 along their columns, too'
}

/** The 2:4 matrix that multiplies, with values in the order of w, as sparse tensor cores read it. */
function layOut(w: Nm, transposed: boolean, values: Float32Array) {
  const given = nm({ ...w, values })
  return nm.toTensorCore(transposed ? nm.transpose(given) : given)
}

/** 2:4 weights of 16 bits through sparse tensor cores (`mma.sp`). */
function sparseRow(contract: Contract): NmKernel {
  const { operation, formatPrefix } = contract
  return deviceRow<NmProblem, AnyNmWeights>({
    name: `${contract.contract.replace('_f32', '_half')}__cuda_sm80_sparse`,
    operation,
    backend: 'cuda',
    variant: 'sm80_sparse',
    types: { weights: 'half', activations: 'f32', accumulator: 'f32', output: 'f32' },
    format: `${formatPrefix}tensor-core 2:4`,
    dense: false,
    supports: (problem) => supports(problem, contract),
    // Half of the multiplications of the dense product are left out.
    runFeatures: (problem) => [1, problem.m * problem.k * problem.n, bytes(problem)],
    packFeatures: ({ nnz }) => [nnz],
    pack(w, { valueType }, backend) {
      const weights = widened(w) as Nm
      const of = (values: Float32Array) => layOut(weights, operation === 'nmGemmTransposed', values)
      return new TensorCorePacking(
        expectDevice(backend, operation),
        valueType as HalfType,
        of(weights.values),
        (values) => of(values).values,
      )
    },
    plan: (problem, packing, backend) =>
      tensorCoreRunner(problem, packing as TensorCorePacking, expectDevice(backend, operation)),
  })
}

function denseRow(contract: Contract): NmKernel {
  return deviceDenseCandidate<NmProblem, AnyNmWeights>({
    ...contract,
    supports: (problem) => supportsContract(problem, contract),
    toDense: (w, values) => filled(widened(w), values, contract.operation === 'nmGemmTransposed'),
  })
}

/** On CUDA devices, through the backend of @nnz/cuda. */
export const cudaKernels: readonly NmKernel[] = [
  ...CONTRACTS.filter(({ layout }) => layout === 'nm').map(sparseRow),
  ...CONTRACTS.map(denseRow),
]
