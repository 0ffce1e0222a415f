/** Symmetric 8-bit weights [k, m] with a scale for each of the m columns. */
export interface QuantisedWeights {
  readonly values: Int8Array
  readonly scales: Float32Array
}

/** Quantises W [m, k] by rows, and transposes it. */
export function quantiseRows(weights: Float32Array, m: number, k: number): QuantisedWeights {
  const values = new Int8Array(k * m)
  const scales = new Float32Array(m)
  for (let row = 0; row < m; row++) {
    let largest = 0
    for (let i = 0; i < k; i++) largest = Math.max(largest, Math.abs(weights[row * k + i]))
    const scale = largest === 0 ? 1 : largest / 127
    scales[row] = scale
    for (let i = 0; i < k; i++) values[i * m + row] = Math.round(weights[row * k + i] / scale)
  }
  return { values, scales }
}

/**
 * How far off rounding to 8 bits may put an element of W X: eight standard deviations. Each operand is off by a rounding
 * error that is uniform in a step s, with variance s²/12; the weights keep their zeros. Returns it as a function of X [k, n],
 * whose step is that of DynamicQuantizeLinear.
 */
export function quantisationTolerance(
  weights: Float32Array,
  m: number,
  k: number,
  { scales }: QuantisedWeights,
): (x: Float32Array) => number {
  const rowSquares = Array.from({ length: m }, (_, row) => sumOfSquares(weights, row * k, 1, k))
  const largestRow = rowSquares.reduce((a, b) => Math.max(a, b), 0)
  const largestStep = scales.reduce((a, b) => Math.max(a, b), 0)
  return (x) => {
    const n = x.length / k
    let largestColumn = 0
    for (let column = 0; column < n; column++) {
      largestColumn = Math.max(largestColumn, sumOfSquares(x, column, n, k))
    }
    const step = (x.reduce((a, b) => Math.max(a, b), 0) - x.reduce((a, b) => Math.min(a, b), 0)) / 255
    return 8 * Math.sqrt((step ** 2 * largestRow + largestStep ** 2 * largestColumn) / 12)
  }
}

function sumOfSquares(values: Float32Array, start: number, stride: number, count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += values[start + i * stride] ** 2
  return sum
}
