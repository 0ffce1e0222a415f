import type { Loss } from '@nnz/backprop/kit'
import { type Tensor, zeros } from '@nnz/core'

/**
 * How far the embeddings of sequences are from a teacher's: 1 - cosine, the mean over sequences, where an embedding is the
 * mean of a sequence's hidden states.
 *
 * @param states the last hidden states, [tokens, width], the sequences laid end to end
 * @param teacher the teacher's, of the same shape
 * @param sequenceOffsets where each sequence begins, and the end of the last
 * @returns the loss and its gradient by the states
 */
export function embeddingLoss(states: Tensor, teacher: Tensor, sequenceOffsets: readonly number[]): Loss {
  const width = states.shape[1]
  const count = sequenceOffsets.length - 1
  const gradient = zeros(states.shape)
  const slopes = gradient.data
  let loss = 0
  for (let index = 0; index < count; index++) {
    const [begin, end] = [sequenceOffsets[index] * width, sequenceOffsets[index + 1] * width]
    const own = direction(states.data, begin, end, width)
    const target = direction(teacher.data, begin, end, width)
    const cosine = own.unit.reduce((sum, value, i) => sum + value * target.unit[i], 0)
    loss += (1 - cosine) / count
    const slope = own.unit.map((value, i) => (cosine * value - target.unit[i]) / own.length / count)
    for (let at = begin; at < end; ) for (let i = 0; i < width; i++) slopes[at++] = slope[i]
  }
  return { loss, gradient }
}

/** The sum of some rows as a vector of length 1, and its length before. */
function direction(data: Float32Array, begin: number, end: number, width: number) {
  const sum = new Float64Array(width)
  for (let at = begin; at < end; ) for (let i = 0; i < width; i++) sum[i] += data[at++]
  const length = Math.sqrt(sum.reduce((squares, value) => squares + value * value, 0)) || 1
  return { unit: sum.map((value) => value / length), length }
}
