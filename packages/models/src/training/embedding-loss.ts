import type { Loss } from '@nnz/backprop/kit'
import { type Tensor, zeros } from '@nnz/core'

/**
 * How far the embeddings of sequences are from others: 1 - cosine, the mean over sequences, where an embedding is the mean
 * of a sequence's hidden states.
 *
 * @param states the last hidden states, [tokens, width], the sequences laid end to end
 * @param sequenceOffsets where each sequence begins, and the end of the last
 * @param embeddings [sequences, width], of length 1
 * @returns the loss and its gradient by the states
 */
export function embeddingLoss(states: Tensor, sequenceOffsets: readonly number[], embeddings: Tensor): Loss {
  const [count, width] = embeddings.shape
  const gradient = zeros(states.shape)
  const mean = new Float64Array(width)
  let loss = 0
  for (let index = 0; index < count; index++) {
    const [begin, end] = [sequenceOffsets[index] * width, sequenceOffsets[index + 1] * width]
    const target = embeddings.data.subarray(index * width, (index + 1) * width)
    mean.fill(0)
    for (let at = begin; at < end; ) for (let i = 0; i < width; i++) mean[i] += states.data[at++]
    let [squares, product] = [0, 0]
    for (let i = 0; i < width; i++) {
      squares += mean[i] ** 2
      product += mean[i] * target[i]
    }
    const length = Math.sqrt(squares)
    const cosine = product / length
    loss += (1 - cosine) / count
    for (let i = 0; i < width; i++) mean[i] = ((cosine * mean[i]) / length - target[i]) / length / count
    for (let at = begin; at < end; ) for (let i = 0; i < width; i++) gradient.data[at++] = mean[i]
  }
  return { loss, gradient }
}
