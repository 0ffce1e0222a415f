import { describe, expect, it } from 'vitest'
import { sampled } from '../../../test/conformance/support/sampled.ts'
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

const problems = sampled(SWEEP)

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

/** Root of the mean square, and largest, difference; infinite where only one of two numbers is finite. */
function errors(actual: ArrayLike<number>, expected: ArrayLike<number>): { rms: number; most: number } {
  let squares = 0
  let most = 0
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] === expected[i]) continue
    const difference = Math.abs(actual[i] - expected[i])
    const error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
    squares += error ** 2
    most = Math.max(most, error)
  }
  return { rms: Math.sqrt(squares / Math.max(1, expected.length)), most }
}

/**
 * The error may be `factor` times that of the plain f32 loop, in the mean; the largest of thousands of errors is a matter
 * of luck, and may be twice as far away. `slack` is for results that the plain loop gets exactly.
 */
function expectClose(
  actual: ArrayLike<number>,
  plain: ArrayLike<number>,
  expected: ArrayLike<number>,
  factor: number,
  slack: number,
  what: string,
): void {
  const error = errors(actual, expected)
  const yardstick = errors(plain, expected)
  expect(error.rms, `${what}, mean`).toBeLessThanOrEqual(Math.max(factor * yardstick.rms, slack))
  expect(error.most, `${what}, largest`).toBeLessThanOrEqual(Math.max(2 * factor * yardstick.most, 2 * slack))
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
const floor = (values: ArrayLike<number>) => 2 ** -23 * largest(values)

/** Calls a function once for each problem: every kernel is compared with the same numbers. */
function once<T>(compute: (problem: Sweep) => T): (problem: Sweep) => T {
  const known = new Map<Sweep, T>()
  return (problem) => {
    if (!known.has(problem)) known.set(problem, compute(problem))
    return known.get(problem)!
  }
}

const scaleOf = ({ headDim, scale = 1 / Math.sqrt(headDim) }: Sweep) => scale
const keyHeadOf =
  ({ heads, keyHeads = heads }: Sweep) =>
  (group: number) =>
    Math.floor((group * keyHeads) / heads)

const forward = once((problem) => {
  const { q, k, v } = operands(problem)
  return {
    expected: reference(q, k, v, problem),
    yardstick: plain(q, k, v, scaleOf(problem), keyHeadOf(problem), keepsOf(problem)),
  }
})

const backward = once((problem) => {
  const { q, k, v, dOutput } = operands(problem)
  const { yardstick } = forward(problem)
  return {
    expected: referenceBackward(dOutput, q, k, v, problem),
    yardstick: plainBackward(dOutput, q, k, v, scaleOf(problem), keyHeadOf(problem), yardstick),
  }
})

describe.each(kernels.filter(({ operation }) => operation === 'attention'))('$name', (kernel) => {
  const backend = resolveKernelBackend(kernel)
  it.skipIf(backend === undefined).each(problems)('$name', (problem) => {
    const { q, k, v } = operands(problem)
    const { expected, yardstick } = forward(problem)
    const { output, logSumExp } = attention(q, k, v, { ...problem, backend, kernel: kernel.name })
    expect(output.shape).toEqual(q.shape)
    expect(logSumExp.shape).toEqual(q.shape.slice(0, -1))
    expectClose(output.data, yardstick.output, expected.output, 2, floor(expected.output), 'output')
    expectClose(logSumExp.data, yardstick.logSumExp, expected.logSumExp, 2, floor(expected.logSumExp), 'logSumExp')
  })
})

describe.each(kernels.filter(({ operation }) => operation === 'attentionBackward'))('$name', (kernel) => {
  const backend = resolveKernelBackend(kernel)
  it.skipIf(backend === undefined).each(problems.filter(({ name }) => name !== '1023x1024'))('$name', (problem) => {
    const { q, k, v, dOutput } = operands(problem)
    const { expected, yardstick } = backward(problem)
    const saved = attention(q, k, v, { ...problem, backend })
    // The gradient of a score is a difference of two sums, which may be 0: its error has their size.
    const sums = rowSums(dOutput.data, saved.output.data, problem.headDim) * scaleOf(problem) * 2 ** -22
    const slack = { dQ: sums * largest(k.data), dK: sums * largest(q.data), dV: 0 }
    const actual = attentionBackward(dOutput, { q, k, v, ...saved, ...problem }, { backend, kernel: kernel.name })
    for (const gradient of ['dQ', 'dK', 'dV'] as const) {
      const least = Math.max(floor(expected[gradient]), slack[gradient])
      expectClose(actual[gradient].data, yardstick[gradient], expected[gradient], 3, least, gradient)
    }
  })
})
