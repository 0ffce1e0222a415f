import { recordId } from '../records/identity.ts'
import type { BenchRecord, Contender } from '../records/schema.ts'
import type { Task } from './task.ts'

/** The fields of a record that follow from the task and the contender; no measurement yet. */
export function describeTask(task: Task, contender: Contender): Omit<BenchRecord, 'status' | 'reason' | 'error'> {
  return {
    id: recordId(task.id, contender, 'hot'),
    operation: task.operation,
    workload: task.workload,
    problem: task.problem,
    contender,
    cache: 'hot',
    samples: [],
    iterations: null,
    warmup: null,
    order: [],
    flops: task.flops,
    denseFlops: task.denseFlops,
    bytes: task.bytes(contender.method),
    planning: null,
    packing: null,
    kernel: null,
    transfer: null,
    packedBytes: null,
    bytesPerWeight: null,
    limit: null,
  }
}
