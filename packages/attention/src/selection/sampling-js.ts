import { type Sampled, type Sampler, seenKeys } from './sampling.ts'

/** Plain loops. */
export function jsSampler({ q, k, shape, causal, scale }: Sampled): Sampler {
  const { heads, keyHeads, keys, headDim } = shape
  let weights: Float32Array[] = []

  function row(batch: number, head: number, query: number): Float32Array {
    const keyHead = Math.floor((head * keyHeads) / heads)
    const from = batch * q.strides[0] + head * q.strides[1] + query * q.strides[2]
    const base = batch * k.strides[0] + keyHead * k.strides[1]
    const seen = seenKeys(shape, causal, query)
    const result = new Float32Array(keys)
    let largest = Number.NEGATIVE_INFINITY
    for (let key = 0; key < seen; key++) {
      let dot = 0
      for (let i = 0; i < headDim; i++) dot += q.data[from + i] * k.data[base + key * k.strides[2] + i]
      result[key] = scale * dot
      largest = Math.max(largest, result[key])
    }
    let total = 0
    for (let key = 0; key < seen; key++) total += result[key] = Math.exp(result[key] - largest)
    for (let key = 0; key < seen; key++) result[key] /= total
    return result
  }

  return {
    sample(batch, head, queries) {
      weights = Array.from(queries, (query) => row(batch, head, query))
    },
    columns() {
      const sums = new Float32Array(keys)
      for (const values of weights) for (let key = 0; key < keys; key++) sums[key] += values[key]
      return sums
    },
    diagonals() {
      const sums = new Float32Array(keys + weights.length - 1)
      weights.forEach((values, i) => {
        for (let key = 0; key < keys; key++) sums[i + keys - 1 - key] += values[key]
      })
      return sums
    },
    blocks(width) {
      const sums = new Float32Array(Math.ceil(keys / width))
      const maxima = new Float32Array(sums.length)
      for (const values of weights) {
        for (let key = 0; key < keys; key++) {
          const block = Math.floor(key / width)
          sums[block] += values[key]
          maxima[block] = Math.max(maxima[block], values[key])
        }
      }
      return { sums, maxima }
    },
  }
}
