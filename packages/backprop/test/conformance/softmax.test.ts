import { csr, runsOn, tensor, transposed, wasm } from '@nnz/core'
import { spmm } from '@nnz/spmm'
import { describe, expect, it } from 'vitest'
import { csrWeights, PATTERNS } from '../../../../test/conformance/support/weights.ts'
import {
  sddmm,
  softmaxBackwardKernels,
  softmaxBackwardReference,
  softmaxKernels,
  softmaxReference,
  sparseSoftmax,
  sparseSoftmaxBackward,
} from '../../src/index.ts'
import { openBackend } from '../support/backend.ts'
import { deviation, matrix, Random, U } from '../support/problems.ts'

const backend = await openBackend()
const random = new Random(21)
const patterns = [
  ...PATTERNS.map((pattern) => csrWeights([23, 29], pattern, 0.3, random)),
  ...[1, 2, 3, 4, 5, 8, 9, 40].map((columns) => csrWeights([6, columns], 'all dense', 1, random)),
  csrWeights([0, 4], 'random', 1, random),
  csrWeights([4, 0], 'random', 1, random),
  csrWeights([300, 70], 'random', 0.2, random),
]
const rows = (kernels: typeof softmaxKernels) =>
  kernels.filter((kernel) => runsOn(kernel, backend)).map(({ name }) => name)

describe.each(rows(softmaxKernels))('%s', (kernel) => {
  it('is a softmax of each row', () => {
    for (const scores of patterns) {
      for (const scale of [1, 0.125, 30, -2]) {
        const got = sparseSoftmax(scores, { scale, backend, kernel })
        expect(got.rowOffsets).toEqual(scores.rowOffsets)
        const want = softmaxReference(scores, scale)
        // The argument of the exponential is rounded; far below the largest, weights are 0.
        const room = 16 * U * (1 + Math.abs(scale) * 4)
        expect(
          deviation(got.values, want, (i) => room * want[i] + 1e-23),
          `${scores.shape}, scale ${scale}`,
        ).toBeUndefined()
      }
    }
  })

  it('shows what is not finite', () => {
    const pattern = csr.fromDense(new Float32Array(24).fill(1), [4, 6])
    const scores = Float32Array.from(pattern.values)
    scores.fill(Number.NEGATIVE_INFINITY, 0, 6)
    scores[7] = Number.NEGATIVE_INFINITY
    scores[13] = Number.NaN
    scores[20] = Number.POSITIVE_INFINITY
    const { values } = sparseSoftmax(csr({ ...pattern, values: scores }), { backend, kernel })
    expect([...values.subarray(0, 6)]).toEqual([0, 0, 0, 0, 0, 0])
    expect(values[7]).toBe(0)
    expect(values[6]).toBeCloseTo(0.2, 6)
    expect([...values.subarray(12)].every(Number.isNaN)).toBe(true)
  })
})

describe.each(rows(softmaxBackwardKernels))('%s', (kernel) => {
  it('gives the gradients of the scores', () => {
    for (const scores of patterns) {
      const weights = sparseSoftmax(scores, { scale: 0.5, backend })
      const gradients = weights.values.map(() => random.value())
      const got = sparseSoftmaxBackward(weights, gradients, { scale: 0.5, backend, kernel }).values
      const want = softmaxBackwardReference(weights, gradients, 0.5)
      expect(
        deviation(got, want, (i) => 32 * U * weights.values[i] * (Math.abs(gradients[i]) + 2)),
        `${scores.shape}`,
      ).toBeUndefined()
    }
  })

  it('may write over its inputs', () => {
    const weights = sparseSoftmax(patterns[0], { backend })
    const gradients = weights.values.map(() => random.value())
    const want = sparseSoftmaxBackward(weights, gradients, { backend, kernel }).values
    const plan = sparseSoftmaxBackward.plan(weights, { backend, kernel })
    expect(plan.run(weights.values, gradients, { out: gradients })).toBe(gradients)
    expect(gradients).toEqual(want)
    plan.dispose()
  })
})

it('attends over a graph as dense attention with a mask does, forward and backward', () => {
  const [tokens, dim] = [37, 12]
  const graph = csrWeights([tokens, tokens], 'random', 0.3, random)
  const [q, k, v, slopes] = Array.from({ length: 4 }, () => matrix([tokens, dim], random, 'rows'))
  const scale = 1 / Math.sqrt(dim)
  const scores = sddmm(q, transposed(k), graph, { backend })
  const weights = sparseSoftmax(scores, { scale, backend })
  const output = spmm(weights, v, { backend })
  const dWeights = sddmm(slopes, transposed(v), graph, { backend })
  const dScores = sparseSoftmaxBackward(weights, dWeights.values, { scale, backend })
  const dQ = spmm(dScores, k, { backend })

  const kept = csr.toDense(graph)
  const attend = (queries: Float64Array): Float64Array => {
    const result = new Float64Array(tokens * dim)
    for (let i = 0; i < tokens; i++) {
      const row = Array.from({ length: tokens }, (_, j) => {
        if (kept[i * tokens + j] === 0) return Number.NEGATIVE_INFINITY
        let sum = 0
        for (let d = 0; d < dim; d++) sum += queries[i * dim + d] * k.data[j * dim + d]
        return sum * scale
      })
      const most = Math.max(...row)
      if (most === Number.NEGATIVE_INFINITY) continue
      const exponentials = row.map((score) => Math.exp(score - most))
      const total = exponentials.reduce((a, b) => a + b, 0)
      for (let d = 0; d < dim; d++)
        for (let j = 0; j < tokens; j++) result[i * dim + d] += (exponentials[j] / total) * v.data[j * dim + d]
    }
    return result
  }
  const queries = Float64Array.from(q.data)
  expect(deviation(output.data, attend(queries), () => 2e-6)).toBeUndefined()
  // Central differences of the loss Σ slopes · output.
  for (let at = 0; at < queries.length; at += 41) {
    const loss = (step: number) => {
      const moved = queries.slice()
      moved[at] += step
      return attend(moved).reduce((sum, value, i) => sum + value * slopes.data[i], 0)
    }
    const difference = (loss(1e-4) - loss(-1e-4)) / 2e-4
    expect(Math.abs(dQ.data[at] - difference)).toBeLessThan(1e-5 + 1e-4 * Math.abs(difference))
  }
})

it('gives the same bits on any number of threads', async () => {
  if (backend.name !== 'wasm') return
  const scores = patterns.at(-1)!
  const one = await wasm.threads(1)
  expect(sparseSoftmax(scores, { backend }).values).toEqual(sparseSoftmax(scores, { backend: one }).values)
  const gradients = tensor(scores.values, [scores.nnz]).data
  const got = sparseSoftmaxBackward(scores, gradients, { backend }).values
  expect(got).toEqual(sparseSoftmaxBackward(scores, gradients, { backend: one }).values)
})
