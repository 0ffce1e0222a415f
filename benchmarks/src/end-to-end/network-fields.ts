import type { Task } from '../runner/task.ts'
import { pointId } from '../runner/workload.ts'
import type { PrunedNetwork } from './checkpoints.ts'
import { type NetworkWorkload, patternWord } from './workload.ts'

/** What every task with a whole network says of itself. */
export function networkFields(
  workload: NetworkWorkload,
  { weights, nnz, parameters }: PrunedNetwork<unknown>,
  /** Tokens that pass through the linear layers in a run, and operations of anything but these. */
  work: { readonly tokens: number; readonly attention: number; readonly head?: number },
): Omit<Task, 'inputs' | 'expectationOf'> {
  const { operation, model, source, phase, pattern, seed, batch, tokens } = workload
  const sparsity = 1 - nnz / weights
  const id = pointId(workload, sparsity)
  const other = work.attention + 2 * (work.head ?? 0)
  return {
    id,
    operation,
    workload: { id, model, layer: 'network', source, phase, pattern: patternWord(pattern), seed },
    problem: { sparsity, batch, tokens, nnz, layout: patternWord(pattern) },
    flops: 2 * nnz * work.tokens + other,
    denseFlops: 2 * weights * work.tokens + other,
    denseWeights: parameters,
    // The weights of the linear layers, with 2 bytes for the place of each that is kept alone; of the embeddings, rows.
    bytes: (method) => (method === 'dense' ? 4 * weights : 6 * nnz) + 4 * (work.head ?? 0),
  }
}
