import { erf } from '@nnz/core'
import { type EncoderKernel, type EncoderOperations, type Lanes, rows } from './types.ts'

/** Weights of one query, and what is summed. */
interface Buffers {
  weights: Float64Array
}

/** The operations in plain JavaScript, summing in f64: also what the others are compared with. */
export const jsOperations: EncoderOperations = {
  embed({ tokens, positions, words, places, x }) {
    const [, width] = words.shape
    const { data } = x.tensor
    for (let token = 0; token < tokens.length; token++) {
      const [word, place] = [tokens[token] * width, positions[token] * width]
      for (let i = 0; i < width; i++) data[i * x.stride + token] = words.data[word + i] + places.data[place + i]
    }
  },

  addNorm({ y, x, norm, epsilon, tokens }) {
    const { data } = x.tensor
    const [width] = norm.gain.shape
    const [gain, shift] = [norm.gain.data, norm.shift.data]
    if (y) addRows(data, y.product.tensor.data, y.bias.data, x.stride, tokens)
    for (let token = 0; token < tokens; token++) {
      let sum = 0
      for (let i = 0; i < width; i++) sum += data[i * x.stride + token]
      const mean = sum / width
      let squares = 0
      for (let i = 0; i < width; i++) squares += (data[i * x.stride + token] - mean) ** 2
      const factor = 1 / Math.sqrt(squares / width + epsilon)
      for (let i = 0, at = token; i < width; i++, at += x.stride)
        data[at] = (data[at] - mean) * factor * gain[i] + shift[i]
    }
  },

  addGelu({ y, bias, tokens }) {
    const { data } = y.tensor
    const values = bias.data
    for (let row = 0; row < values.length; row++)
      for (let at = row * y.stride; at < row * y.stride + tokens; at++) {
        const x = data[at] + values[row]
        data[at] = (x * (1 + erf(x * Math.SQRT1_2))) / 2
      }
  },

  attendPacked({ qkv, bias, out, heads, offsets }) {
    const width = bias.shape[0] / 3
    const longest = offsets.reduce((most, end, s) => Math.max(most, s === 0 ? 0 : end - offsets[s - 1]), 0)
    const buffers = { weights: new Float64Array(longest) }
    for (let s = 0; s + 1 < offsets.length; s++)
      for (let head = 0; head < heads; head++)
        for (let query = offsets[s]; query < offsets[s + 1]; query++)
          attendQuery(
            { qkv, bias: bias.data, out, width, headDim: width / heads },
            head,
            query,
            offsets[s],
            offsets[s + 1],
            buffers,
          )
  },

  pool({ x, offsets, out }) {
    const { data } = x.tensor
    const sequences = offsets.length - 1
    const width = out.length / sequences
    for (let s = 0; s < sequences; s++) {
      let squares = 0
      for (let i = 0; i < width; i++) {
        let sum = 0
        for (let token = offsets[s]; token < offsets[s + 1]; token++) sum += data[i * x.stride + token]
        out[s * width + i] = sum
        squares += sum * sum
      }
      const factor = squares > 0 ? 1 / Math.sqrt(squares) : 1
      for (let i = s * width; i < (s + 1) * width; i++) out[i] *= factor
    }
  },
}

function addRows(x: Float32Array, y: Float32Array, bias: Float32Array, stride: number, tokens: number): void {
  for (let row = 0; row < bias.length; row++)
    for (let at = row * stride; at < row * stride + tokens; at++) x[at] += y[at] + bias[row]
}

/** One query of one head, over the keys from `first` to before `end`. */
function attendQuery(
  { qkv, bias, out, width, headDim }: { qkv: Lanes; bias: Float32Array; out: Lanes; width: number; headDim: number },
  head: number,
  query: number,
  first: number,
  end: number,
  { weights }: Buffers,
): void {
  const { data } = qkv.tensor
  const { stride } = qkv
  const row = head * headDim
  let largest = Number.NEGATIVE_INFINITY
  for (let key = first; key < end; key++) {
    let score = 0
    for (let i = row; i < row + headDim; i++)
      score += (data[i * stride + query] + bias[i]) * data[(width + i) * stride + key]
    weights[key - first] = score / Math.sqrt(headDim)
    largest = Math.max(largest, weights[key - first])
  }
  let total = 0
  for (let key = 0; key < end - first; key++) {
    weights[key] = Math.exp(weights[key] - largest)
    total += weights[key]
  }
  for (let i = row; i < row + headDim; i++) {
    let sum = 0
    for (let key = first; key < end; key++) sum += weights[key - first] * data[(2 * width + i) * stride + key]
    out.tensor.data[i * out.stride + query] = sum / total + bias[2 * width + i]
  }
}

/** The plain JavaScript rows. */
export const jsKernels: readonly EncoderKernel[] = rows('js', 'js', 'f64')
