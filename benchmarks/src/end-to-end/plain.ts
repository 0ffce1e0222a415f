import { erf, gemm, tensor, transposed } from '@nnz/core'
import type { NetworkTensor, NetworkTensors } from '../baselines/onnx-network.ts'

/** Tokens x width, row-major. */
export type States = Float32Array

/** Tensors of a checkpoint, by name. */
export function tensorOf(tensors: NetworkTensors, name: string): NetworkTensor {
  const found = tensors.get(name)
  if (!found) throw new RangeError(`the network has no tensor ${name}`)
  return found
}

/** x · wᵀ + bias with every weight, zeros too, on the dense product of `@nnz/core`. */
export function linear(tensors: NetworkTensors, name: string, x: States): States {
  const { data, shape } = tensorOf(tensors, `${name}.weight`)
  const [m, k] = shape
  const rows = x.length / k
  const y = new Float32Array(rows * m)
  gemm(tensor(data, [m, k]), transposed(tensor(x, [rows, k])), { out: transposed(tensor(y, [rows, m])) })
  const bias = tensors.get(`${name}.bias`)?.data
  if (bias) for (let i = 0; i < y.length; i++) y[i] += bias[i % m]
  return y
}

export function sum(a: States, b: States): States {
  return a.map((value, i) => value + b[i])
}

/** Each row to mean 0 and variance 1, times weight plus bias. */
export function layerNorm(tensors: NetworkTensors, name: string, x: States, epsilon: number): States {
  const weight = tensorOf(tensors, `${name}.weight`).data
  const bias = tensorOf(tensors, `${name}.bias`).data
  return byRow(x, weight.length, (row, out) => {
    let mean = 0
    for (const value of row) mean += value / row.length
    let variance = 0
    for (const value of row) variance += (value - mean) ** 2 / row.length
    const factor = 1 / Math.sqrt(variance + epsilon)
    for (let i = 0; i < row.length; i++) out[i] = (row[i] - mean) * factor * weight[i] + bias[i]
  })
}

/** Each row over its root mean square, times weight. */
export function rmsNorm(tensors: NetworkTensors, name: string, x: States, epsilon: number): States {
  const weight = tensorOf(tensors, `${name}.weight`).data
  return byRow(x, weight.length, (row, out) => {
    let squares = 0
    for (const value of row) squares += value ** 2 / row.length
    const factor = 1 / Math.sqrt(squares + epsilon)
    for (let i = 0; i < row.length; i++) out[i] = row[i] * factor * weight[i]
  })
}

export function gelu(x: States): States {
  return x.map((value) => (value * (1 + erf(value * Math.SQRT1_2))) / 2)
}

/** gate · sigmoid(gate) · up. */
export function swiglu(gate: States, up: States): States {
  return gate.map((value, i) => (value / (1 + Math.exp(-value))) * up[i])
}

/** Turns the pairs (2i, 2i + 1) of every head by position · base^(-2i / headDim). */
export function rotated(x: States, width: number, headDim: number, base: number): States {
  return byRow(x, width, (row, out, position) => {
    for (let i = 0; i < width; i += 2) {
      const angle = position * base ** (-(i % headDim) / headDim)
      out[i] = row[i] * Math.cos(angle) - row[i + 1] * Math.sin(angle)
      out[i + 1] = row[i] * Math.sin(angle) + row[i + 1] * Math.cos(angle)
    }
  })
}

/** Softmax attention inside each sequence of `tokens` rows, in doubles. */
export function attend(
  { q, k, v }: { readonly q: States; readonly k: States; readonly v: States },
  sizes: {
    readonly tokens: number
    readonly heads: number
    readonly keyHeads: number
    readonly headDim: number
    readonly causal: boolean
  },
): States {
  const { tokens, heads, keyHeads, headDim, causal } = sizes
  const [width, keyWidth] = [heads * headDim, keyHeads * headDim]
  const out = new Float32Array(q.length)
  const scores = new Float64Array(tokens)
  const mixed = new Float64Array(headDim)
  for (let row = 0; row < q.length / width; row++) {
    const first = row - (row % tokens)
    const end = causal ? row + 1 : first + tokens
    for (let head = 0; head < heads; head++) {
      const at = row * width + head * headDim
      const keyAt = Math.floor((head * keyHeads) / heads) * headDim
      let largest = Number.NEGATIVE_INFINITY
      for (let key = first; key < end; key++) {
        let score = 0
        for (let i = 0; i < headDim; i++) score += q[at + i] * k[key * keyWidth + keyAt + i]
        scores[key - first] = score / Math.sqrt(headDim)
        largest = Math.max(largest, scores[key - first])
      }
      let total = 0
      mixed.fill(0)
      for (let key = first; key < end; key++) {
        const weight = Math.exp(scores[key - first] - largest)
        total += weight
        for (let i = 0; i < headDim; i++) mixed[i] += weight * v[key * keyWidth + keyAt + i]
      }
      for (let i = 0; i < headDim; i++) out[at + i] = mixed[i] / total
    }
  }
  return out
}

/** Rows of a table. */
export function gather({ data, shape }: NetworkTensor, indices: ArrayLike<number>): States {
  const width = shape[1]
  const out = new Float32Array(indices.length * width)
  for (let i = 0; i < indices.length; i++)
    out.set(data.subarray(indices[i] * width, (indices[i] + 1) * width), i * width)
  return out
}

function byRow(x: States, width: number, fill: (row: States, out: States, index: number) => void): States {
  const out = new Float32Array(x.length)
  for (let at = 0; at < x.length; at += width)
    fill(x.subarray(at, at + width), out.subarray(at, at + width), at / width)
  return out
}
