import {
  attentionBackwardOperation,
  attentionOperation,
  attentionSelectionOperation,
  decodeOperation,
} from '../../src/operations/attention.ts'
import { backpropOperation, sddmmOperation } from '../../src/operations/backprop.ts'
import { nmGemmOperation } from '../../src/operations/nm-gemm.ts'
import type { Operation } from '../../src/operations/operation.ts'
import { spmmOperation } from '../../src/operations/spmm.ts'
import { SUITES, type SuitePlan } from '../../src/runner/budgets.ts'
import { type Point, pointsOf } from '../../src/runner/run-matrix.ts'
import type { Workload } from '../../src/runner/workload.ts'

/** The suites that a page can measure while someone waits. */
export type PageSuite = 'smoke' | 'quick'

/** The operations of the matrix that need neither files nor processes. */
const OPERATIONS: readonly Operation[] = [
  spmmOperation,
  nmGemmOperation,
  attentionOperation,
  attentionBackwardOperation,
  attentionSelectionOperation,
  decodeOperation,
  backpropOperation,
  sddmmOperation,
]

/** Baselines that run on a page. */
export const PAGE_BASELINES = ['onnxruntime-web', 'tfjs-wasm']

/** The operation that a workload belongs to. */
export function operationOf(workload: Workload): Operation {
  return OPERATIONS.find(({ name }) => name === workload.operation)!
}

/** What a suite measures on a page: workloads whose weights are drawn from a seed, or those whose ids contain one of these texts. */
export function pointsOfSuite(
  suite: PageSuite,
  matching: readonly string[] | undefined,
): { plan: SuitePlan; points: Point[] } {
  const plan = SUITES[suite]!
  const asked = matching ?? plan.matching
  const workloads = OPERATIONS.flatMap((operation) =>
    operation.workloads(plan.workloads).filter((workload) => operation.missingFor(workload) === undefined),
  )
  return {
    plan,
    points: pointsOf(workloads.filter(({ id }) => asked?.some((text) => id.includes(text)) ?? true)),
  }
}
