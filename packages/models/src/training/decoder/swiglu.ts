import { type BackwardOptions, type ForwardOptions, Leaf } from '@nnz/backprop/kit'
import { expectMatrix, type Tensor, zeros } from '@nnz/core'

/** silu(gates) times values: x [tokens, 2 · width] holds both side by side (Shazeer, arXiv 2002.05202). */
export class SwiGlu extends Leaf<{ readonly x: Float32Array; readonly sigmoids: Float32Array }> {
  readonly parameters = []

  forward(x: Tensor, { save = true }: ForwardOptions = {}): Tensor {
    const [rows, columns] = expectMatrix(x, 'swiglu: x').shape
    const width = columns / 2
    const y = zeros([rows, width])
    const [source, output] = [x.data, y.data]
    const sigmoids = new Float32Array(rows * width)
    for (let row = 0, at = 0; row < rows; row++)
      for (let i = row * columns; i < row * columns + width; i++, at++) {
        const sigmoid = 1 / (1 + Math.exp(-source[i]))
        sigmoids[at] = sigmoid
        output[at] = source[i] * sigmoid * source[i + width]
      }
    if (save) this.keep({ x: source, sigmoids }, [source, sigmoids], [rows, width])
    else this.forget()
    return y
  }

  backward(dy: Tensor, { input = true }: BackwardOptions = {}): Tensor | undefined {
    const { x, sigmoids } = this.take(dy, 'swiglu')
    if (!input) return undefined
    const [rows, width] = dy.shape
    const dx = zeros([rows, 2 * width])
    const [slope, output] = [dy.data, dx.data]
    for (let row = 0, at = 0; row < rows; row++)
      for (let i = 2 * row * width; i < (2 * row + 1) * width; i++, at++) {
        const gate = x[i]
        const scaled = slope[at] * sigmoids[at]
        output[i] = scaled * x[i + width] * (1 + gate * (1 - sigmoids[at]))
        output[i + width] = scaled * gate
      }
    return dx
  }
}
