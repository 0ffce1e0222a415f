import type { Csr, Tensor } from '@nnz/core'
import { type Conv2dGeometry, conv2dShape } from './shape.ts'

/** c of the error bound of convolutions and their gradients: c · 2^-24 · Σ of the magnitudes of the products. */
export const CONV2D_ERROR_FACTOR = 32

/** Gradients in f64; see {@link conv2dBackwardReference}. */
export interface Conv2dGradients64 {
  readonly dx: Float64Array
  readonly dValues: Float64Array
  readonly dBias: Float64Array
}

/** Visits every product of the convolution: weight, and positions of its operands in x and y. */
function forEachProduct(
  w: Csr,
  x: Tensor,
  geometry: Conv2dGeometry,
  visit: (entry: number, from: number, to: number) => void,
): { shape: readonly number[] } {
  const [batch, , height, width] = x.shape
  const s = conv2dShape(w, geometry, [height, width], 'reference')
  const [kh, kw] = s.kernel
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < s.outChannels; row++) {
      for (let entry = w.rowOffsets[row]; entry < w.rowOffsets[row + 1]; entry++) {
        const column = w.columnIndices[entry]
        const channel = Math.floor(column / (kh * kw))
        for (let oy = 0; oy < s.outHeight; oy++) {
          const y = oy * s.stride[0] + (Math.floor(column / kw) % kh) - s.padding[0]
          for (let ox = 0; ox < s.outWidth; ox++) {
            const at = ox * s.stride[1] + (column % kw) - s.padding[1]
            if (y < 0 || y >= height || at < 0 || at >= width) continue
            const from = ((image * s.channels + channel) * height + y) * width + at
            visit(entry, from, ((image * s.outChannels + row) * s.outHeight + oy) * s.outWidth + ox)
          }
        }
      }
    }
  }
  return { shape: [batch, s.outChannels, s.outHeight, s.outWidth] }
}

/** The definition of `sparseConv2d`, summed in f64 over the stored weights, row-major NCHW. Slow on purpose. */
export function conv2dReference(
  w: Csr,
  x: Tensor,
  geometry: Conv2dGeometry,
  bias?: ArrayLike<number>,
): { readonly shape: readonly number[]; readonly values: Float64Array } {
  const [batch, , height, width] = x.shape
  const s = conv2dShape(w, geometry, [height, width], 'reference')
  const pixels = s.outHeight * s.outWidth
  const values = new Float64Array(batch * s.outChannels * pixels)
  const { shape } = forEachProduct(w, x, geometry, (entry, from, to) => {
    values[to] += w.values[entry] * x.data[from]
  })
  if (bias) for (let i = 0; i < values.length; i++) values[i] += bias[Math.floor(i / pixels) % s.outChannels]
  return { shape, values }
}

/** The definition of `sparseConv2dBackward`, summed in f64. Slow on purpose. */
export function conv2dBackwardReference(w: Csr, x: Tensor, dy: Tensor, geometry: Conv2dGeometry): Conv2dGradients64 {
  const dx = new Float64Array(x.data.length)
  const dValues = new Float64Array(w.nnz)
  const dBias = new Float64Array(w.shape[0])
  forEachProduct(w, x, geometry, (entry, from, to) => {
    dx[from] += w.values[entry] * dy.data[to]
    dValues[entry] += dy.data[to] * x.data[from]
  })
  const pixels = dy.shape[2] * dy.shape[3]
  for (let i = 0; i < dy.data.length; i++) dBias[Math.floor(i / pixels) % w.shape[0]] += dy.data[i]
  return { dx, dValues, dBias }
}
