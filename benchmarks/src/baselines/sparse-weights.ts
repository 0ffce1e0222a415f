import { type Csr, csr } from '@nnz/core'
import type { Task } from '../runner/task.ts'

/** The weights as CSR. Those in blocks keep what is not zero. */
export function csrOf(task: Task): Csr {
  return task.weights.layout === 'csr' ? task.weights : csr.fromDense(task.dense(), [task.m, task.k])
}
