import { erf } from '@nnz/core'

/** x += y. */
export function addTo(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] += y[i]
}

/** Each row to mean 0 and variance 1, then times weight plus bias (Ba et al., arXiv 1607.06450), in place. */
export function layerNorm(x: Float32Array, weight: Float32Array, bias: Float32Array, epsilon: number): void {
  const width = weight.length
  for (let start = 0; start < x.length; start += width) {
    let sum = 0
    for (let i = 0; i < width; i++) sum += x[start + i]
    const mean = sum / width
    let squares = 0
    for (let i = 0; i < width; i++) squares += (x[start + i] - mean) ** 2
    const factor = 1 / Math.sqrt(squares / width + epsilon)
    for (let i = 0; i < width; i++) x[start + i] = (x[start + i] - mean) * factor * weight[i] + bias[i]
  }
}

/** Each row divided by its root mean square, then times weight (Zhang and Sennrich, arXiv 1910.07467). */
export function rmsNorm(x: Float32Array, weight: Float32Array, epsilon: number): Float32Array {
  const width = weight.length
  const result = new Float32Array(x.length)
  for (let start = 0; start < x.length; start += width) {
    let squares = 0
    for (let i = 0; i < width; i++) squares += x[start + i] ** 2
    const factor = 1 / Math.sqrt(squares / width + epsilon)
    for (let i = 0; i < width; i++) result[start + i] = x[start + i] * factor * weight[i]
  }
  return result
}

/** x · Φ(x), with the error function, in place (Hendrycks and Gimpel, arXiv 1606.08415). */
export function gelu(x: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] *= (1 + erf(x[i] * Math.SQRT1_2)) / 2
}

/** gate := gate · sigmoid(gate) · up (SwiGLU, arXiv 2002.05202). */
export function swiglu(gate: Float32Array, up: Float32Array): void {
  for (let i = 0; i < gate.length; i++) gate[i] *= up[i] / (1 + Math.exp(-gate[i]))
}

/**
 * Turns the pairs (2i, 2i + 1) of every head of every token by position · base^(-2i / headDim) (RoPE, arXiv 2104.09864), in
 * place. x is [tokens, heads * headDim].
 */
export function rotate(x: Float32Array, positions: ArrayLike<number>, headDim: number, base: number): void {
  const width = x.length / positions.length
  const frequencies = Float64Array.from({ length: headDim / 2 }, (_, i) => base ** ((-2 * i) / headDim))
  for (let token = 0; token < positions.length; token++) {
    for (let i = 0; i < frequencies.length; i++) {
      const angle = positions[token] * frequencies[i]
      const [cosine, sine] = [Math.cos(angle), Math.sin(angle)]
      for (let at = token * width + 2 * i; at < (token + 1) * width; at += headDim) {
        const [a, b] = [x[at], x[at + 1]]
        x[at] = a * cosine - b * sine
        x[at + 1] = a * sine + b * cosine
      }
    }
  }
}
