import { type BenchRecord, type Contender, recordId } from '../records/index.ts'
import { patternName } from '../workloads/index.ts'
import type { Task } from './task.ts'

/** The fields of a record that follow from the task and the contender; no measurement yet. */
export function describeTask(task: Task, contender: Contender): Omit<BenchRecord, 'status' | 'reason' | 'error'> {
  const { workload, weights, m, k, n } = task
  const indexBytes = weights.layout === 'csr' ? 2 * weights.nnz : 0
  return {
    id: recordId(task.id, contender, 'hot'),
    operation: workload.operation,
    workload: {
      id: task.id,
      model: workload.model,
      layer: workload.layer,
      source: workload.source,
      phase: workload.phase,
      pattern: patternName(workload.pattern),
      seed: workload.seed,
    },
    problem: {
      sparsity: task.sparsity,
      m,
      k,
      n,
      nnz: weights.nnz,
      layout: weights.layout,
      ...(weights.layout === 'bsr' ? { blockShape: [...weights.blockShape] as [number, number] } : {}),
    },
    contender,
    cache: 'hot',
    samples: [],
    iterations: null,
    warmup: null,
    order: [],
    flops: 2 * weights.nnz * n,
    denseFlops: 2 * m * k * n,
    bytes: (contender.method === 'dense' ? 4 * m * k : 4 * weights.nnz + indexBytes) + 4 * n * (m + k),
    planning: null,
    packing: null,
    kernel: null,
    transfer: null,
    packedBytes: null,
    bytesPerWeight: null,
    limit: null,
  }
}
