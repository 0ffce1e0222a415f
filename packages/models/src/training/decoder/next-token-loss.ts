import type { Loss } from '@nnz/backprop/kit'
import { gemm, type Tensor, tensor, transposed, zeros } from '@nnz/core'

/** Tokens whose logits are held at once. */
const CHUNK = 256

/** What a {@link nextTokenLoss} is made of. */
export interface NextTokenLoss extends Loss {
  /** -log p of the next token, the mean, in nats. */
  readonly surprise: number
  /** Kullback-Leibler divergence from the teacher's distribution, the mean, in nats. */
  readonly divergence: number
}

/**
 * Half the surprise by the next token and half the divergence from a teacher (Hinton et al., arXiv 1503.02531), or another
 * share, the mean over the tokens that have a label. The head is given and is not trained.
 *
 * @param states normalised hidden states [tokens, width]
 * @param labels the token after each, -1 where it is not judged
 * @param teacher normalised hidden states of the teacher, [tokens, width]
 * @param head [vocabulary, width]
 * @param share of the divergence, 0..1
 * @returns the loss and its gradient by the states
 */
export function nextTokenLoss(
  states: Tensor,
  labels: readonly number[],
  teacher: Tensor,
  head: Tensor,
  share = 0.5,
): NextTokenLoss {
  const [tokens, width] = states.shape
  const judged = labels.filter((label) => label >= 0).length
  const gradient = zeros(states.shape)
  let [surprise, divergence] = [0, 0]
  for (let start = 0; start < tokens; start += CHUNK) {
    const count = Math.min(CHUNK, tokens - start)
    const part = ({ data }: Tensor) => tensor(data.subarray(start * width, (start + count) * width), [count, width])
    const logits = gemm(part(states), transposed(head))
    const taught = gemm(part(teacher), transposed(head))
    for (let row = 0; row < count; row++) {
      const label = labels[start + row]
      const losses = slopesOf(logits.data, taught.data, row * head.shape[0], head.shape[0], label, share, judged)
      surprise += losses.surprise / judged
      divergence += losses.divergence / judged
    }
    gemm(logits, head, { out: part(gradient) })
  }
  return { loss: (1 - share) * surprise + share * divergence, surprise, divergence, gradient }
}

/** Replaces a row of logits by the slopes of the loss by them. */
function slopesOf(
  logits: Float32Array,
  taught: Float32Array,
  start: number,
  size: number,
  label: number,
  share: number,
  judged: number,
): { surprise: number; divergence: number } {
  const end = start + size
  if (label < 0) {
    logits.fill(0, start, end)
    return { surprise: 0, divergence: 0 }
  }
  const own = logSum(logits, start, end)
  const other = logSum(taught, start, end)
  const surprise = own - logits[start + label]
  let divergence = 0
  for (let i = start; i < end; i++) {
    const [p, q] = [Math.exp(logits[i] - own), Math.exp(taught[i] - other)]
    divergence += q * (taught[i] - other - logits[i] + own)
    logits[i] = (p - share * q) / judged
  }
  logits[start + label] -= (1 - share) / judged
  return { surprise, divergence }
}

/** log of the sum of exponentials. */
function logSum(logits: Float32Array, start: number, end: number): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = start; i < end; i++) if (logits[i] > largest) largest = logits[i]
  let sum = 0
  for (let i = start; i < end; i++) sum += Math.exp(logits[i] - largest)
  return largest + Math.log(sum)
}
