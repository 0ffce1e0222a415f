import type { AttentionArguments, BackwardArguments } from './types.ts'

/** Room for one query: its kept keys, their weights and what is summed. */
export interface RowBuffers {
  readonly kept: Int32Array
  readonly weights: Float64Array
  /** dOutput · v of each kept key, backward only. */
  readonly slopes: Float64Array
  readonly sums: Float64Array
  readonly query: Float64Array
}

/** factor * vector · row for `count` rows of a matrix, `stride` elements apart. */
function dots(
  vector: Float64Array,
  factor: number,
  matrix: Float32Array,
  base: number,
  stride: number,
  rows: Int32Array,
  count: number,
  result: Float64Array,
): void {
  const length = vector.length
  for (let n = 0; n < count; n++) {
    let from = base + rows[n] * stride
    let a = 0
    let b = 0
    // Lengths are multiples of 4.
    for (let i = 0; i < length; i += 4, from += 4) {
      a += vector[i] * matrix[from] + vector[i + 1] * matrix[from + 1]
      b += vector[i + 2] * matrix[from + 2] + vector[i + 3] * matrix[from + 3]
    }
    result[n] = factor * (a + b)
  }
}

function load(vector: Float64Array, data: Float32Array, from: number): void {
  for (let i = 0; i < vector.length; i++) vector[i] = data[from + i]
}

/** One query: scores of its kept keys, softmax, weighted sum of values. */
export function forwardRow(
  { q, k, v, scale, output, logSumExp }: AttentionArguments,
  { kept, weights, sums, query }: RowBuffers,
  batch: number,
  head: number,
  token: number,
  count: number,
): void {
  const [, heads, tokens, headDim] = q.shape
  const keyHead = Math.floor((head * k.shape[1]) / heads)
  load(query, q.data, batch * q.strides[0] + head * q.strides[1] + token * q.strides[2])
  const keyBase = batch * k.strides[0] + keyHead * k.strides[1]
  dots(query, scale, k.data, keyBase, k.strides[2], kept, count, weights)
  let largest = Number.NEGATIVE_INFINITY
  for (let n = 0; n < count; n++) largest = Math.max(largest, weights[n])
  let total = 0
  sums.fill(0)
  // A row of scores that are all -Infinity is one without keys.
  const used = largest === Number.NEGATIVE_INFINITY ? 0 : count
  for (let n = 0; n < used; n++) {
    const weight = Math.exp(weights[n] - largest)
    total += weight
    const from = batch * v.strides[0] + keyHead * v.strides[1] + kept[n] * v.strides[2]
    for (let i = 0; i < headDim; i++) sums[i] += weight * v.data[from + i]
  }
  const to = batch * output.strides[0] + head * output.strides[1] + token * output.strides[2]
  for (let i = 0; i < headDim; i++) output.data[to + i] = used > 0 ? sums[i] / total : 0
  logSumExp[(batch * heads + head) * tokens + token] = largest + (used > 0 ? Math.log(total) : 0)
}

/** One query backward: its dQ, and what it adds to dK and dV ([batch, keyHeads, keys, headDim]). */
export function backwardRow(
  args: BackwardArguments,
  { kept, weights, slopes, sums, query }: RowBuffers,
  dK: Float64Array,
  dV: Float64Array,
  batch: number,
  head: number,
  token: number,
  count: number,
): void {
  const { q, k, v, scale, output, logSumExp, dOutput, dQ } = args
  const [, heads, tokens, headDim] = q.shape
  const [, keyHeads, keys] = k.shape
  const keyHead = Math.floor((head * keyHeads) / heads)
  const lse = logSumExp[(batch * heads + head) * tokens + token]
  const used = lse === Number.NEGATIVE_INFINITY ? 0 : count
  const outputAt = batch * output.strides[0] + head * output.strides[1] + token * output.strides[2]
  const dAt = batch * dOutput.strides[0] + head * dOutput.strides[1] + token * dOutput.strides[2]
  const qAt = batch * q.strides[0] + head * q.strides[1] + token * q.strides[2]
  load(query, q.data, qAt)
  dots(query, scale, k.data, batch * k.strides[0] + keyHead * k.strides[1], k.strides[2], kept, used, weights)
  load(query, dOutput.data, dAt)
  dots(query, 1, v.data, batch * v.strides[0] + keyHead * v.strides[1], v.strides[2], kept, used, slopes)
  let mean = 0
  for (let i = 0; i < headDim; i++) mean += dOutput.data[dAt + i] * output.data[outputAt + i]
  sums.fill(0)
  for (let n = 0; n < used; n++) {
    // Rounded as logSumExp is, so that the two errors cancel where one key has all the weight.
    const weight = Math.exp(Math.fround(weights[n]) - lse)
    const slope = scale * weight * (slopes[n] - mean)
    const kAt = batch * k.strides[0] + keyHead * k.strides[1] + kept[n] * k.strides[2]
    const to = ((batch * keyHeads + keyHead) * keys + kept[n]) * headDim
    for (let i = 0; i < headDim; i++) {
      sums[i] += slope * k.data[kAt + i]
      dK[to + i] += slope * q.data[qAt + i]
      dV[to + i] += weight * query[i]
    }
  }
  const dQAt = batch * dQ.strides[0] + head * dQ.strides[1] + token * dQ.strides[2]
  for (let i = 0; i < headDim; i++) dQ.data[dQAt + i] = sums[i]
}
