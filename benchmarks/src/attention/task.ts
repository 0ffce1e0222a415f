import { attentionProblem, type BlockMask, FULL, flops } from '@nnz/attention'
import { seededActivations } from '../random.ts'
import type { Task } from '../runner/task.ts'
import { pointId } from '../runner/workload.ts'
import { backwardExpectation, forwardExpectation } from './expectation.ts'
import { BLOCK, drawPattern, isSelector } from './patterns.ts'
import type { AttentionWorkload } from './workload.ts'

/**
 * One attention. Inputs are q [heads, tokens, headDim], k and v [keyHeads, keys, headDim], backward also dOutput in the
 * shape of q; the output is that of q, backward dQ, dK and dV one after the other.
 */
export interface AttentionTask extends Task {
  readonly heads: number
  readonly keyHeads: number
  readonly tokens: number
  readonly keys: number
  readonly headDim: number
  /** One pattern for all heads, or one for each; undefined where every block is kept. */
  readonly mask: BlockMask | undefined
  /** The last query is aligned with the last key. */
  readonly causal: boolean
  /** Whether a pair is kept. */
  keeps(query: number, key: number, head: number): boolean
}

/** Makes the task of a workload at a sparsity. */
export async function makeAttentionTask(workload: AttentionWorkload, wanted: number): Promise<AttentionTask> {
  const { tokens, keys, pattern, seed } = workload
  if (isSelector(pattern))
    throw new RangeError(`${workload.id}: its blocks are chosen from q and k, by makeSelectionTask`)
  const { mask, causal } = drawPattern(pattern, { tokens, keys, sparsity: wanted, seed })
  return attentionTask(workload, mask, causal)
}

/** The task of a workload with these pairs. */
export function attentionTask(
  workload: AttentionWorkload,
  mask: BlockMask | undefined,
  causal: boolean,
): AttentionTask {
  const { heads, keyHeads, tokens, keys, headDim, operation, pattern, seed } = workload
  const keeps = keptBy(mask, causal, keys - tokens)
  const backward = operation === 'attention-backward'
  const shape = { batch: 1, heads, keyHeads, tokens, keys, headDim }
  const problem = attentionProblem(backward ? 'attentionBackward' : 'attention', shape, { mask, causal })
  const dense = { ...problem, pairs: heads * tokens * keys }
  const usedKeys = usedKeysOf(mask, keys)
  const sparsity = 1 - problem.pairs / dense.pairs
  const id = pointId(workload, sparsity)
  const { model, source, phase } = workload
  const elements = { q: heads * tokens * headDim, k: keyHeads * keys * headDim }
  const inputs = (drawn: number) => {
    const sizes = [elements.q, elements.k, elements.k, ...(backward ? [elements.q] : [])]
    return sizes.map((size, i) => seededActivations(size, 1, 4 * drawn + i))
  }
  const task = { heads, keyHeads, tokens, keys, headDim, mask, causal, keeps }
  return {
    ...task,
    id,
    operation,
    workload: { id, model, layer: 'attention', source, phase, pattern, seed },
    problem: {
      sparsity,
      heads,
      keyHeads,
      tokens,
      keys,
      headDim,
      causal,
      ...(mask ? { blockShape: [mask.blockShape[0], BLOCK] } : {}),
    },
    flops: flops(problem),
    denseFlops: flops(dense),
    denseWeights: null,
    bytes(method) {
      const read = method === 'dense' ? keys : usedKeys
      // Forward: q, k, v and the output; backward also dOutput, dQ, dK and dV.
      return 4 * (backward ? 2 : 1) * (2 * elements.q + 2 * keyHeads * read * headDim)
    },
    inputs,
    expectationOf: (given) => (backward ? backwardExpectation(task, given) : forwardExpectation(task, given)),
  }
}

/** Keys that any query meets. */
function usedKeysOf(mask: BlockMask | undefined, keys: number): number {
  if (mask === undefined) return keys
  const width = mask.blockShape[1]
  return [...new Set(mask.columnIndices)].reduce(
    (sum, block) => sum + Math.min(keys, (block + 1) * width) - block * width,
    0,
  )
}

/** Asks a pattern about single pairs. */
export function keptBy(mask: BlockMask | undefined, causal: boolean, offset: number): AttentionTask['keeps'] {
  if (mask === undefined) return (query, key) => !causal || key <= query + offset
  const { blockShape, rowOffsets, columnIndices, partialIndices, elements } = mask
  const columns = Math.ceil(mask.columns / blockShape[1])
  const words = Math.ceil(blockShape[1] / 32)
  const blocks = new Int32Array((rowOffsets.length - 1) * columns).fill(-1)
  for (let row = 0; row < rowOffsets.length - 1; row++) {
    for (let block = rowOffsets[row]; block < rowOffsets[row + 1]; block++)
      blocks[row * columns + columnIndices[block]] = block
  }
  const perHead = Math.ceil(mask.rows / blockShape[0])
  return (query, key, head) => {
    const row = (head % mask.heads) * perHead + Math.floor(query / blockShape[0])
    const block = blocks[row * columns + Math.floor(key / blockShape[1])]
    if (block < 0) return false
    if (partialIndices[block] === FULL) return true
    const column = key % blockShape[1]
    const word = (partialIndices[block] * blockShape[0] + (query % blockShape[0])) * words + (column >>> 5)
    return ((elements[word] >>> (column & 31)) & 1) === 1
  }
}
