import {
  type CallOptions as BaseCallOptions,
  type PlanOptions as BasePlanOptions,
  type DevicePlanOptions,
  DeviceProductPlan,
  describe,
  expectOptions,
  isCompact,
  ProductPlan,
  type ProductSpecification,
  typeError,
} from '@nnz/core'
import { type CsrTable, csrCandidates } from './candidates.ts'
import { COSTS } from './cost-model.ts'
import { kernels } from './kernels/index.ts'
import {
  type AnyNmWeights,
  bytes,
  flops,
  type NmOperation,
  type NmProblem,
  type NmWeights,
  nmProblem,
  productShape,
} from './problem.ts'

/** What the operations of this package take beside the options of every product. */
export interface CandidateOptions {
  /** Tables of kernels for csr weights that dispatch weighs, too: `[spmm]` of `@nnz/spmm`. Default: none. */
  candidates?: readonly CsrTable[] | undefined
}

/** Options of a direct call. */
export interface CallOptions extends BaseCallOptions, CandidateOptions {}

/** Options of a plan. */
export interface PlanOptions extends BasePlanOptions, CandidateOptions {}

function expectCandidates(options: CandidateOptions, name: string): readonly CsrTable[] {
  expectOptions(options, name)
  const candidates = options.candidates ?? []
  const isTable = (table: CsrTable) => Array.isArray(table?.kernels) && typeof table.costs === 'object'
  if (!Array.isArray(candidates) || !candidates.every(isTable)) {
    throw typeError(
      'NNZ_TYPE',
      `${name}: expected candidates to be tables of kernels with their costs, such as [spmm], got ${describe(candidates)}`,
    )
  }
  return candidates
}

function specification(
  operation: NmOperation,
  w: AnyNmWeights,
  options: CandidateOptions,
  name: string,
): ProductSpecification<NmProblem, AnyNmWeights> {
  const tables = expectCandidates(options, name)
  const transposed = operation === 'nmGemmTransposed'
  if (transposed && isCompact<NmWeights>(w) && w.values.type === 'i8') {
    const reason = 'i8 values have no transposed product, as their scales belong to rows'
    throw typeError('NNZ_TYPE', `${name}: ${reason}; ${w.layout}.toFloat32(w) has f32 ones`)
  }
  return {
    operation,
    weights: w,
    shape: productShape(operation, w),
    valueCount: w.nnz,
    orientation: operation === 'nmLinear' ? 'tokens' : 'columns',
    kernels: [...kernels, ...csrCandidates(tables, transposed)],
    costs: Object.assign({}, COSTS, ...tables.map(({ costs }) => costs)),
    problem: (n, activation) => nmProblem(operation, w, n, activation),
    flops,
    bytes,
    ...(transposed && { words: { x: 'dy', rows: 'the columns of w', columns: 'the rows of w' } }),
  }
}

/** N:M weights packed and kernels chosen, to be run many times on up to `columns` columns. */
export class NmPlan extends ProductPlan<NmProblem, AnyNmWeights> {
  /** Use `nmGemm.plan` and its like. `runs` is set by direct calls: packing has to pay within so many runs. */
  constructor(operation: NmOperation, w: AnyNmWeights, options: PlanOptions, runs?: number) {
    const name = runs === undefined ? `${operation}.plan` : operation
    super(specification(operation, w, options, name), options, runs)
  }
}

/** The same on a device: runs are enqueued there. */
export class NmDevicePlan extends DeviceProductPlan<NmProblem, AnyNmWeights> {
  /** Use `nmGemm.plan` and its like with a device as the backend. */
  constructor(operation: NmOperation, w: AnyNmWeights, options: DevicePlanOptions & CandidateOptions) {
    super(specification(operation, w, options, `${operation}.plan`), options)
  }
}
