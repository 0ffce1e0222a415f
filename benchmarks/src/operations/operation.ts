import type { Backend } from '@nnz/core'
import type { Baseline, ContenderSpec } from '../runner/contender.ts'
import type { Task } from '../runner/task.ts'
import type { Workload } from '../runner/workload.ts'

/** `quick` measures a few points that say most; `full` everything. */
export type Suite = 'quick' | 'full'

/** One operation of the matrix: on what it is measured, and against whom. */
export interface Operation<W extends Workload = Workload, T extends Task = Task> {
  readonly name: string
  /** The rows of its table of kernels. */
  readonly kernels: readonly { readonly name: string; readonly backend: string; readonly variant: string }[]
  readonly baselines: readonly Baseline<T>[]
  /** The workloads of a suite, those of the quick suite in the order in which they say most. Models need not be there. */
  workloads(suite: Suite): readonly W[]
  /** What must be done before a workload can be measured; undefined where nothing is missing. */
  missingFor(workload: W): string | undefined
  makeTask(workload: W, sparsity: number): Promise<T>
  /** Our own contenders on these backends: every row of the table, and automatic dispatch. */
  contenders(backends: readonly Backend[]): ContenderSpec<T>[]
}
