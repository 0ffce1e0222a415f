import type { Tensor } from '@nnz/core'
import type { BlockMask } from './mask/block-mask.ts'
import { toDense } from './mask/from.ts'
import { expectHeads, type Heads } from './operands.ts'
import { expectOptions } from './options.ts'
import { keyRanges, type Lengths } from './ranges.ts'

/** What the reference computes with: the options of `attention`. */
export interface ReferenceOptions extends Lengths {
  mask?: BlockMask | undefined
  causal?: boolean | undefined
  scale?: number | undefined
}

type Number64 = Float64Array<ArrayBuffer>

interface Row {
  readonly batch: number
  readonly head: number
  readonly keyHead: number
  readonly query: number
  /** Kept keys, and their weights. */
  readonly kept: readonly number[]
  readonly weights: readonly number[]
  readonly logSumExp: number
}

function at({ data, strides }: Heads, batch: number, head: number, token: number, i: number): number {
  return data[batch * strides[0] + head * strides[1] + token * strides[2] + i]
}

function dot(a: (i: number) => number, b: (i: number) => number, length: number): number {
  let sum = 0
  for (let i = 0; i < length; i++) sum += a(i) * b(i)
  return sum
}

/** The softmax row of every query, in f64. */
function* softmaxRows(q: Heads, k: Heads, options: ReferenceOptions): Generator<Row> {
  expectOptions(options, 'reference')
  const [batch, heads, tokens, headDim] = q.shape
  const [, keyHeads, keys] = k.shape
  const { mask, causal = false, scale = 1 / Math.sqrt(headDim) } = options
  const dense = mask && toDense(mask)
  const { low, high, perBatch } = keyRanges(
    { batch, heads, keyHeads, tokens, keys, headDim },
    causal,
    options,
    'reference',
  )
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const keyHead = Math.floor((h * keyHeads) / heads)
      const maskHead = mask ? (b * heads + h) % mask.heads : 0
      for (let i = 0; i < tokens; i++) {
        const range = (perBatch ? b * tokens : 0) + i
        const kept: number[] = []
        for (let j = low[range]; j < Math.min(high[range], keys); j++)
          if (!dense || dense[(maskHead * tokens + i) * keys + j]) kept.push(j)
        const scores = kept.map(
          (j) =>
            scale *
            dot(
              (c) => at(q, b, h, i, c),
              (c) => at(k, b, keyHead, j, c),
              headDim,
            ),
        )
        const largest = scores.reduce((x, y) => Math.max(x, y), Number.NEGATIVE_INFINITY)
        const weights = scores.map((score) => Math.exp(score - largest))
        const sum = weights.reduce((x, y) => x + y, 0)
        const empty = largest === Number.NEGATIVE_INFINITY
        yield {
          batch: b,
          head: h,
          keyHead,
          query: i,
          kept: empty ? [] : kept,
          weights: weights.map((weight) => weight / sum),
          logSumExp: empty ? largest : largest + Math.log(sum),
        }
      }
    }
  }
}

/**
 * The definition of `attention`, in f64: softmax(scale q kᵀ) v over the kept pairs. A query without kept pairs, or with
 * scores of -Infinity only, gives zeros and a logSumExp of -Infinity. Slow on purpose.
 *
 * @returns output [batch, heads, tokens, headDim] and logSumExp [batch, heads, tokens], row-major
 */
export function reference(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: ReferenceOptions = {},
): { output: Number64; logSumExp: Number64 } {
  const [q, k, v] = [expectHeads(query, 'q'), expectHeads(key, 'k'), expectHeads(value, 'v')]
  const [batch, heads, tokens, headDim] = q.shape
  const output = new Float64Array(batch * heads * tokens * headDim)
  const logSumExp = new Float64Array(batch * heads * tokens)
  for (const row of softmaxRows(q, k, options)) {
    const index = (row.batch * heads + row.head) * tokens + row.query
    logSumExp[index] = row.logSumExp
    row.kept.forEach((j, n) => {
      for (let c = 0; c < headDim; c++)
        output[index * headDim + c] += row.weights[n] * at(v, row.batch, row.keyHead, j, c)
    })
  }
  return { output, logSumExp }
}

/**
 * The gradients of `attention` in f64: with P the weights and dP = dOutput vᵀ, dS = P (dP - Σ P dP), dQ = scale dS k,
 * dK = scale dSᵀ q, dV = Pᵀ dOutput.
 *
 * @returns row-major gradients in the shapes of q, k and v
 */
export function referenceBackward(
  dOutput: Tensor,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: ReferenceOptions = {},
): { dQ: Number64; dK: Number64; dV: Number64 } {
  const [q, k, v] = [expectHeads(query, 'q'), expectHeads(key, 'k'), expectHeads(value, 'v')]
  const d = expectHeads(dOutput, 'dOutput')
  const [batch, heads, tokens, headDim] = q.shape
  const [, keyHeads, keys] = k.shape
  expectOptions(options, 'referenceBackward')
  const { scale = 1 / Math.sqrt(headDim) } = options
  const dQ = new Float64Array(batch * heads * tokens * headDim)
  const dK = new Float64Array(batch * keyHeads * keys * headDim)
  const dV = new Float64Array(batch * keyHeads * keys * headDim)
  for (const row of softmaxRows(q, k, options)) {
    const { batch: b, head, keyHead, query: i, kept, weights } = row
    const dP = kept.map((j) =>
      dot(
        (c) => at(d, b, head, i, c),
        (c) => at(v, b, keyHead, j, c),
        headDim,
      ),
    )
    const mean = dP.reduce((sum, x, n) => sum + x * weights[n], 0)
    const to = ((b * heads + head) * tokens + i) * headDim
    kept.forEach((j, n) => {
      const from = ((b * keyHeads + keyHead) * keys + j) * headDim
      const dS = scale * weights[n] * (dP[n] - mean)
      for (let c = 0; c < headDim; c++) {
        dQ[to + c] += dS * at(k, b, keyHead, j, c)
        dK[from + c] += dS * at(q, b, head, i, c)
        dV[from + c] += weights[n] * at(d, b, head, i, c)
      }
    })
  }
  return { dQ, dK, dV }
}
