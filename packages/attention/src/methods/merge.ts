import { describe, rangeError, tensor, typeError, zeros } from '@nnz/core'
import type { AttentionResult } from '../attention.ts'
import { expectHeads, expectLogSumExp, expectShape } from '../operands.ts'
import { rowMajor } from './tokens.ts'

/**
 * Attention to the union of disjoint sets of keys, from the attention to each: outputs weighted by exp(logSumExp).
 *
 * Backward needs no function of its own: `attentionBackward` of each part, with the merged output and logSumExp in place of
 * its own, gives that part's dK and dV, and dQ as a sum over the parts.
 *
 * @param parts results of `attention` or `decodeAttention` for the same queries
 * @throws RangeError if shapes differ or there is no part
 */
export function mergeAttention(parts: readonly AttentionResult[]): AttentionResult {
  if (!Array.isArray(parts)) throw typeError('NNZ_TYPE', `mergeAttention: expected results, got ${describe(parts)}`)
  if (parts.length === 0) throw rangeError('NNZ_VALUE', 'mergeAttention: expected at least one result')
  const outputs = parts.map(({ output }, i) => expectHeads(output, `mergeAttention: output ${i}`))
  const { shape } = outputs[0]
  const rows = shape[0] * shape[1] * shape[2]
  const exponents = parts.map((part, i) => {
    expectShape(outputs[i], shape, `mergeAttention: output ${i}`)
    return expectLogSumExp(part.logSumExp, part.output, `mergeAttention: logSumExp ${i}`)
  })
  const headDim = shape[3]
  const output = zeros(parts[0].output.shape)
  const logSumExp = new Float32Array(rows)
  const sources = outputs.map(rowMajor)
  const { data } = output
  for (let row = 0; row < rows; row++) {
    let largest = Number.NEGATIVE_INFINITY
    for (const exponent of exponents) largest = Math.max(largest, exponent[row])
    let total = 0
    for (const exponent of exponents)
      total += largest === Number.NEGATIVE_INFINITY ? 0 : Math.exp(exponent[row] - largest)
    logSumExp[row] = total === 0 ? largest : largest + Math.log(total)
    if (total === 0) continue
    sources.forEach((source, part) => {
      const weight = Math.exp(exponents[part][row] - largest) / total
      for (let i = row * headDim; i < (row + 1) * headDim; i++) data[i] += weight * source[i]
    })
  }
  return { output, logSumExp: tensor(logSumExp, parts[0].output.shape.slice(0, -1)) }
}
