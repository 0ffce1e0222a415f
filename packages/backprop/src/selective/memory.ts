import { describe, expectMatrix, rangeError, type Tensor } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'
import { highest } from '../masks/select.ts'

/**
 * Which `count` memory slots to train: those that new data reads more than pretraining did, by term frequency and
 * inverse document frequency (Sparse memory finetuning, Lin et al., arXiv 2510.15103).
 *
 * @param reads for each slot, how often the new data read it
 * @param background for each slot, how many of the `batches` of pretraining data read it
 * @returns slots, rising: rows for `parameter.train({ what: 'rows', indices })`
 */
export function memorySlots(
  reads: ArrayLike<number>,
  background: ArrayLike<number>,
  batches: number,
  count: number,
): Uint32Array {
  expectArguments('memorySlots', { numbers: { reads, background } })
  if (background.length !== reads.length)
    throw rangeError('NNZ_SHAPE', `memorySlots: expected ${reads.length} background counts, got ${background.length}`)
  if (!(batches >= 0)) throw rangeError('NNZ_VALUE', `memorySlots: expected batches >= 0, got ${describe(batches)}`)
  const total = Array.from(reads).reduce((sum, read) => sum + read, 0)
  const scores = Float64Array.from(
    reads,
    (read, slot) => (read / Math.max(1, total)) * Math.log((batches + 1) / (background[slot] + 1)),
  )
  return highest(scores, count)
}

/**
 * For each query the `k` keys with the largest products, best first; equal ones in order.
 *
 * @param queries [queries, width]
 * @param keys [slots, width]
 * @returns slots, [queries, k] row-major
 */
export function lookUp(queries: Tensor, keys: Tensor, k: number): Uint32Array {
  const q = expectMatrix(queries, 'lookUp: queries')
  const m = expectMatrix(keys, 'lookUp: keys')
  if (q.shape[1] !== m.shape[1])
    throw rangeError('NNZ_SHAPE', `lookUp: queries have ${q.shape[1]} columns, expected ${m.shape[1]} (those of keys)`)
  const found = new Uint32Array(q.shape[0] * k)
  const scores = new Float64Array(m.shape[0])
  for (let i = 0; i < q.shape[0]; i++) {
    for (let slot = 0; slot < scores.length; slot++) {
      let sum = 0
      for (let j = 0; j < q.shape[1]; j++)
        sum += q.data[i * q.strides[0] + j * q.strides[1]] * m.data[slot * m.strides[0] + j * m.strides[1]]
      scores[slot] = sum
    }
    const best = [...highest(scores, k)].sort((a, b) => scores[b] - scores[a] || a - b)
    found.set(best, i * k)
  }
  return found
}
