import { type Backend, runsOn } from '@nnz/core'
import { nmGemm, kernels as nmKernels, nmProblem } from '@nnz/nm-gemm'
import { spmm, kernels as spmmKernels, spmmProblem } from '@nnz/spmm'
import type { ContenderSpec } from '../runner/contender.ts'
import type { NmTask } from './nm-task.ts'
import { automaticContenders, type PlanMaker, rowContender } from './plan-contender.ts'

const planNm: PlanMaker<NmTask> = ({ weights, n }, backend, kernel) =>
  nmGemm.plan(weights, { columns: n, backend, kernel, candidates: [spmm] })

/** The same weights as single entries. */
const planCsr: PlanMaker<NmTask> = (task, backend, kernel) =>
  spmm.plan(task.csr(), { columns: task.n, backend, kernel })

/** Every row of the table of `@nnz/nm-gemm` that a backend runs, automatic dispatch, and the sparse rows of `@nnz/spmm`. */
export function nmContenders(backends: readonly Backend[]): ContenderSpec<NmTask>[] {
  return backends.flatMap((backend) => [
    ...nmKernels
      .filter((kernel) => runsOn(kernel, backend))
      .map((kernel) =>
        rowContender<NmTask>(
          kernel,
          backend,
          ({ weights, n }) => kernel.supports(nmProblem('nmGemm', weights, n, 'none')),
          planNm,
        ),
      ),
    ...automaticContenders(backend, planNm),
    ...spmmKernels
      .filter((kernel) => runsOn(kernel, backend))
      .filter(({ dense }) => !dense)
      .map((kernel) =>
        rowContender<NmTask>(
          kernel,
          backend,
          (task) => kernel.supports(spmmProblem('spmm', task.csr(), task.n, 'none')),
          planCsr,
        ),
      ),
  ])
}
