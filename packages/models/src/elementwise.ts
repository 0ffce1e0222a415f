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
