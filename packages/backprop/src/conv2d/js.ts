import type { Csr } from '@nnz/core'
import type { BackwardArguments, Conv2dRunner, ForwardArguments } from './runner.ts'
import { type Conv2dShape, imageOf } from './shape.ts'

/** The outputs [begin, end) along an axis that tap `tap` reads inside the image. */
function inside(size: number, outputs: number, stride: number, padding: number, tap: number): [number, number] {
  const begin = Math.max(0, Math.ceil((padding - tap) / stride))
  const end = Math.min(outputs, Math.floor((size - 1 + padding - tap) / stride) + 1)
  return [begin, Math.max(begin, end)]
}

/** Calls `visit` for each run of products that one weight has with a row of pixels. */
function forEachRun(
  w: Csr,
  shape: Conv2dShape,
  visit: (row: number, entry: number, from: number, to: number, count: number) => void,
): void {
  const { height, width, outHeight, outWidth, kernel, stride, padding } = shape
  const [kh, kw] = kernel
  for (let row = 0; row < shape.outChannels; row++) {
    for (let entry = w.rowOffsets[row]; entry < w.rowOffsets[row + 1]; entry++) {
      const column = w.columnIndices[entry]
      const channel = Math.floor(column / (kh * kw))
      const [i, j] = [Math.floor(column / kw) % kh, column % kw]
      const [top, bottom] = inside(height, outHeight, stride[0], padding[0], i)
      const [left, right] = inside(width, outWidth, stride[1], padding[1], j)
      for (let oy = top; oy < bottom; oy++) {
        const y = channel * height + oy * stride[0] + i - padding[0]
        visit(
          row,
          entry,
          y * width + left * stride[1] + j - padding[1],
          (row * outHeight + oy) * outWidth + left,
          right - left,
        )
      }
    }
  }
}

abstract class Taps {
  readonly method: string = 'plain JS, tap by tap'
  protected readonly pattern: Csr
  protected readonly shape: Conv2dShape
  protected values: Float32Array

  constructor(pattern: Csr, shape: Conv2dShape) {
    this.pattern = pattern
    this.shape = shape
    this.values = pattern.values.slice()
  }

  get bytes(): number {
    return this.values.byteLength
  }

  updateValues(values: Float32Array): void {
    this.values = values.slice()
  }

  dispose(): void {}
}

/** The forward pass in plain JavaScript, summed in f64. */
export class TapsForward extends Taps implements Conv2dRunner<ForwardArguments> {
  run({ x, y, bias }: ForwardArguments): void {
    const { outChannels, outHeight, outWidth, stride } = this.shape
    const { values } = this
    const step = stride[1]
    const sums = new Float64Array(outChannels * outHeight * outWidth)
    for (let image = 0; image < x.shape[0]; image++) {
      const pixels = imageOf(x, image)
      for (let i = 0; i < sums.length; i++) sums[i] = bias ? bias[Math.floor(i / (outHeight * outWidth))] : 0
      forEachRun(this.pattern, this.shape, (_row, entry, from, to, count) => {
        const value = values[entry]
        for (let i = 0; i < count; i++, from += step) sums[to + i] += value * pixels[from]
      })
      imageOf(y, image).set(sums)
    }
  }
}

/** The backward pass in plain JavaScript, summed in f64. */
export class TapsBackward extends Taps implements Conv2dRunner<BackwardArguments> {
  run({ x, dy, dx, dValues, dBias }: BackwardArguments): void {
    const { channels, height, width, outChannels, outHeight, outWidth, stride } = this.shape
    const { values } = this
    const step = stride[1]
    const sums = new Float64Array(dx ? channels * height * width : 0)
    const products = new Float64Array(dValues?.length ?? 0)
    const totals = new Float64Array(dBias ? outChannels : 0)
    for (let image = 0; image < dy.shape[0]; image++) {
      const slopes = imageOf(dy, image)
      const pixels = dValues && imageOf(x!, image)
      sums.fill(0)
      if (dx || dValues) {
        forEachRun(this.pattern, this.shape, (_row, entry, from, to, count) => {
          const value = values[entry]
          if (dx) for (let i = 0, at = from; i < count; i++, at += step) sums[at] += value * slopes[to + i]
          if (pixels) {
            let sum = 0
            for (let i = 0, at = from; i < count; i++, at += step) sum += slopes[to + i] * pixels[at]
            products[entry] += sum
          }
        })
      }
      if (dx) imageOf(dx, image).set(sums)
      for (let i = 0; i < (dBias ? slopes.length : 0); i++) totals[Math.floor(i / (outHeight * outWidth))] += slopes[i]
    }
    dValues?.set(products)
    dBias?.set(totals)
  }
}
