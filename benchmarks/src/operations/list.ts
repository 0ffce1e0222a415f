import type { Workload } from '../runner/workload.ts'
import type { Suite } from './operation.ts'
import { operations } from './operations.ts'

/** Which workloads are asked for. */
export interface WorkloadSelection {
  readonly suite: Suite
  /** Only those of these operations. */
  readonly operations?: readonly string[]
  /** Only workloads whose id contains one of these texts. */
  readonly matching?: readonly string[]
  /** Instead of the suite's own sparsities, where the pattern can be drawn or pruned at any. */
  readonly sparsities?: readonly number[]
  /** Whether workloads of models that have not been fetched are listed too. */
  readonly includeMissing?: boolean
}

/** A workload, and what must be done before it can be measured. */
export interface ListedWorkload {
  readonly workload: Workload
  readonly missing: string | undefined
}

/**
 * The workloads of a suite, operation by operation.
 *
 * @throws RangeError for an operation that does not exist
 */
export function listWorkloads({ suite, matching, sparsities, ...selection }: WorkloadSelection): ListedWorkload[] {
  for (const name of selection.operations ?? []) {
    if (!operations.some((operation) => operation.name === name))
      throw new RangeError(
        `--operations: expected names among ${operations.map((o) => o.name).join(', ')}, got ${name}`,
      )
  }
  return operations
    .filter(({ name }) => selection.operations?.includes(name) ?? true)
    .flatMap((operation) =>
      operation.workloads(suite).map((workload) => ({ workload, missing: operation.missingFor(workload) })),
    )
    .filter(({ workload }) => !matching || matching.some((text) => workload.id.includes(text)))
    .filter(({ missing }) => selection.includeMissing || missing === undefined)
    .map(({ workload, missing }) => ({
      workload:
        sparsities && workload.anySparsity
          ? { ...workload, sparsities: sparsities.toSorted((a, b) => a - b) }
          : workload,
      missing,
    }))
}
