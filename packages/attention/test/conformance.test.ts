import { describe, expect, it } from 'vitest'
import { plain, plainBackward } from './plain.ts'
import { operands, SWEEP, type Sweep } from './problems.ts'
import {
  attention,
  attentionBackward,
  blockMask,
  kernels,
  reference,
  referenceBackward,
  resolveKernelBackend,
} from './support.ts'

/** Which pairs a problem keeps, by (batch * heads + head), query and key. */
function keepsOf(problem: Sweep): (group: number, query: number, key: number) => boolean {
  const { heads, tokens, keys = tokens, causal, mask, keyLengths, sequenceOffsets } = problem
  const dense = mask && blockMask.toDense(mask)
  return (group, query, key) => {
    const length = keyLengths?.[Math.floor(group / heads)] ?? keys
    if (key >= length) return false
    if (causal && key > query + (sequenceOffsets ? 0 : length - tokens)) return false
    if (sequenceOffsets) {
      const sequence = (token: number) => sequenceOffsets.findIndex((_, s) => token < sequenceOffsets[s + 1])
      if (sequence(query) !== sequence(key)) return false
    }
    return !dense || dense[((group % mask!.heads) * tokens + query) * keys + key] === 1
  }
}

function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] === expected[i]) continue
    const difference = Math.abs(actual[i] - expected[i])
    if (!(difference <= error)) error = difference
  }
  return error
}

function largest(values: ArrayLike<number>): number {
  let result = 0
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) result = Math.max(result, Math.abs(values[i]))
  return result
}

/** The largest Σ |a||b| of a row. */
function rowSums(a: Float32Array, b: Float32Array, length: number): number {
  const sums = Array.from({ length: a.length / length }, (_, row) => {
    let sum = 0
    for (let i = row * length; i < (row + 1) * length; i++) sum += Math.abs(a[i] * b[i])
    return sum
  })
  return largest(sums)
}

/** A few units in the last place of the largest value: where the plain loop is exact by luck. */
const floor = (values: ArrayLike<number>) => 8 * 2 ** -24 * largest(values)

/** Times the plain loop's error that a forward kernel may have: base SIMD, whose exponential rounds each product, is at 2.06. */
const forwardFactor = (variant: string) => (variant.startsWith('simd') ? 2.5 : 2)

describe.each(kernels.filter(({ operation }) => operation === 'attention'))('$name', (kernel) => {
  const backend = resolveKernelBackend(kernel)
  it.skipIf(backend === undefined).each(SWEEP)('$name', (problem) => {
    const { q, k, v } = operands(problem)
    const { heads, keyHeads = heads, headDim, scale = 1 / Math.sqrt(headDim) } = problem
    const expected = reference(q, k, v, problem)
    const yardstick = plain(q, k, v, scale, (group) => Math.floor((group * keyHeads) / heads), keepsOf(problem))
    const { output, logSumExp } = attention(q, k, v, { ...problem, backend, kernel: kernel.name })
    expect(output.shape).toEqual(q.shape)
    expect(logSumExp.shape).toEqual(q.shape.slice(0, -1))
    const bound = Math.max(
      forwardFactor(kernel.variant) * largestError(yardstick.output, expected.output),
      floor(expected.output),
    )
    expect(largestError(output.data, expected.output)).toBeLessThanOrEqual(bound)
    const lseBound = Math.max(2 * largestError(yardstick.logSumExp, expected.logSumExp), floor(expected.logSumExp))
    expect(largestError(logSumExp.data, expected.logSumExp)).toBeLessThanOrEqual(lseBound)
  })
})

describe.each(kernels.filter(({ operation }) => operation === 'attentionBackward'))('$name', (kernel) => {
  const backend = resolveKernelBackend(kernel)
  it.skipIf(backend === undefined).each(SWEEP.filter(({ name }) => name !== '1023x1024'))('$name', (problem) => {
    const { q, k, v, dOutput } = operands(problem)
    const { heads, keyHeads = heads, headDim, scale = 1 / Math.sqrt(headDim) } = problem
    const keyHeadOf = (group: number) => Math.floor((group * keyHeads) / heads)
    const expected = referenceBackward(dOutput, q, k, v, problem)
    const yardstick = plainBackward(
      dOutput,
      q,
      k,
      v,
      scale,
      keyHeadOf,
      plain(q, k, v, scale, keyHeadOf, keepsOf(problem)),
    )
    const forward = attention(q, k, v, { ...problem, backend })
    // The gradient of a score is a difference of two sums, which may be 0: its error has their size.
    const sums = rowSums(dOutput.data, forward.output.data, headDim) * scale * 2 ** -22
    const slack = { dQ: sums * largest(k.data), dK: sums * largest(q.data), dV: 0 }
    const actual = attentionBackward(dOutput, { q, k, v, ...forward, ...problem }, { backend, kernel: kernel.name })
    for (const gradient of ['dQ', 'dK', 'dV'] as const) {
      const bound = Math.max(
        3 * largestError(yardstick[gradient], expected[gradient]),
        2 * floor(expected[gradient]),
        slack[gradient],
      )
      expect(largestError(actual[gradient].data, expected[gradient]), gradient).toBeLessThanOrEqual(bound)
    }
  })
})
