import type { Tensor } from '../src/index.ts'

const f = Math.fround

/**
 * The plainest attention in f32, every operation rounded: the yardstick for rounding errors. `keeps` says which pairs count.
 * Row-major operands with a batch axis of 1 or none taken together with heads: [groups, rows, headDim].
 */
export function plain(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  keyHeadOf: (group: number) => number,
  keeps: (group: number, query: number, key: number) => boolean,
): { output: Float32Array; logSumExp: Float32Array; weights: (group: number, query: number) => Float32Array } {
  const headDim = q.shape.at(-1)!
  const tokens = q.shape.at(-2)!
  const keys = k.shape.at(-2)!
  const groups = q.data.length / Math.max(1, tokens * headDim)
  const output = new Float32Array(q.data.length)
  const logSumExp = new Float32Array(groups * tokens).fill(Number.NEGATIVE_INFINITY)
  const scores = (group: number, query: number) =>
    Float32Array.from({ length: keys }, (_, key) => {
      if (!keeps(group, query, key)) return Number.NEGATIVE_INFINITY
      let sum = 0
      for (let i = 0; i < headDim; i++)
        sum = f(
          sum +
            f(q.data[(group * tokens + query) * headDim + i] * k.data[(keyHeadOf(group) * keys + key) * headDim + i]),
        )
      return f(sum * f(scale))
    })
  for (let group = 0; group < groups; group++) {
    for (let query = 0; query < tokens; query++) {
      const row = scores(group, query)
      const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
      if (largest === Number.NEGATIVE_INFINITY) continue
      let total = 0
      const weights = row.map((score) => f(Math.exp(f(score - largest))))
      for (const weight of weights) total = f(total + weight)
      const to = (group * tokens + query) * headDim
      for (let key = 0; key < keys; key++)
        for (let i = 0; i < headDim; i++)
          output[to + i] = f(output[to + i] + f(weights[key] * v.data[(keyHeadOf(group) * keys + key) * headDim + i]))
      for (let i = 0; i < headDim; i++) output[to + i] = f(output[to + i] / total)
      logSumExp[group * tokens + query] = f(largest + f(Math.log(total)))
    }
  }
  return {
    output,
    logSumExp,
    weights(group, query) {
      const lse = logSumExp[group * tokens + query]
      return scores(group, query).map((score) => (score === Number.NEGATIVE_INFINITY ? 0 : f(Math.exp(f(score - lse)))))
    },
  }
}

/** The plainest backward pass in f32. */
export function plainBackward(
  dOutput: Tensor,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  keyHeadOf: (group: number) => number,
  forward: ReturnType<typeof plain>,
): { dQ: Float32Array; dK: Float32Array; dV: Float32Array } {
  const headDim = q.shape.at(-1)!
  const tokens = q.shape.at(-2)!
  const keys = k.shape.at(-2)!
  const groups = q.data.length / Math.max(1, tokens * headDim)
  const dQ = new Float32Array(q.data.length)
  const dK = new Float32Array(k.data.length)
  const dV = new Float32Array(v.data.length)
  for (let group = 0; group < groups; group++) {
    for (let query = 0; query < tokens; query++) {
      const weights = forward.weights(group, query)
      const at = (group * tokens + query) * headDim
      let mean = 0
      for (let i = 0; i < headDim; i++) mean = f(mean + f(dOutput.data[at + i] * forward.output[at + i]))
      for (let key = 0; key < keys; key++) {
        if (weights[key] === 0) continue
        const from = (keyHeadOf(group) * keys + key) * headDim
        let dP = 0
        for (let i = 0; i < headDim; i++) dP = f(dP + f(dOutput.data[at + i] * v.data[from + i]))
        const dS = f(f(weights[key] * f(dP - mean)) * f(scale))
        for (let i = 0; i < headDim; i++) {
          dQ[at + i] = f(dQ[at + i] + f(dS * k.data[from + i]))
          dK[from + i] = f(dK[from + i] + f(dS * q.data[at + i]))
          dV[from + i] = f(dV[from + i] + f(weights[key] * dOutput.data[at + i]))
        }
      }
    }
  }
  return { dQ, dK, dV }
}
