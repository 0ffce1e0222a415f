import type { Tensor } from '../tensor.ts'

/** The definition of `gemm`: a·b summed in f64, row-major [M, N]. Slow on purpose. */
export function gemmReference(a: Tensor, b: Tensor): Float64Array {
  const [m, k] = a.shape
  const n = b.shape[1]
  const [x, y] = [a.data, b.data]
  return Float64Array.from({ length: m * n }, (_, i) => {
    const row = Math.floor(i / n) * a.strides[0]
    const column = (i % n) * b.strides[1]
    let sum = 0
    for (let j = 0; j < k; j++) sum += x[row + j * a.strides[1]] * y[j * b.strides[0] + column]
    return sum
  })
}
