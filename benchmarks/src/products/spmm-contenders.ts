import { type Backend, runsOn } from '@nnz/core'
import { kernels, spmm, spmmProblem } from '@nnz/spmm'
import type { ContenderSpec } from '../runner/contender.ts'
import { automaticContenders, type PlanMaker, rowContender } from './plan-contender.ts'
import type { SpmmTask } from './task.ts'

const makePlan: PlanMaker<SpmmTask> = ({ weights, n }, backend, kernel) =>
  spmm.plan(weights, { columns: n, backend, kernel })

/** Every row of the table of `@nnz/spmm` that a backend runs, and automatic dispatch. */
export function spmmContenders(backends: readonly Backend[]): ContenderSpec<SpmmTask>[] {
  return backends.flatMap((backend) => [
    ...kernels
      .filter((kernel) => runsOn(kernel, backend))
      .map((kernel) =>
        rowContender<SpmmTask>(
          kernel,
          backend,
          ({ weights, n }) => kernel.supports(spmmProblem('spmm', weights, n, 'none')),
          makePlan,
        ),
      ),
    ...automaticContenders(backend, makePlan),
  ])
}
