import { describe, isTensor, rangeError, type Tensor, typeError } from '@nnz/core'
import type { AttentionResult } from '../attention.ts'

function expectLogSumExp(result: Pick<AttentionResult, 'logSumExp'>, name: string): Tensor {
  const value = result?.logSumExp
  if (!isTensor(value))
    throw typeError('NNZ_TYPE', `keptShare: ${name}: expected a result of attention, got ${describe(result)}`)
  return value
}

/**
 * The share of the full attention that a sparse one keeps, for each head (of each batch entry), in the mean over queries: what the
 * kept pairs have of the sum of exponentials. Queries without any pair do not count.
 *
 * @param sparse what `attention` gave with a mask
 * @param full what it gave without
 * @returns numbers from 0 to 1
 * @throws TypeError if one has no logSumExp
 * @throws RangeError if shapes differ
 */
export function keptShare(
  sparse: Pick<AttentionResult, 'logSumExp'>,
  full: Pick<AttentionResult, 'logSumExp'>,
): Float64Array {
  const [a, b] = [expectLogSumExp(sparse, 'sparse'), expectLogSumExp(full, 'full')]
  if (a.shape.join() !== b.shape.join())
    throw rangeError(
      'NNZ_SHAPE',
      `keptShare: expected logSumExp of one shape, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
    )
  const tokens = a.shape.at(-1)!
  return Float64Array.from({ length: tokens === 0 ? 0 : a.data.length / tokens }, (_, head) => {
    let sum = 0
    let count = 0
    for (let i = head * tokens; i < (head + 1) * tokens; i++) {
      if (b.data[i] === Number.NEGATIVE_INFINITY) continue
      sum += Math.exp(a.data[i] - b.data[i])
      count++
    }
    return count === 0 ? 1 : sum / count
  })
}
