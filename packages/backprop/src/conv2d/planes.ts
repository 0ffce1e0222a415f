import type { Conv2dShape } from './shape.ts'

const F32 = 4
const VECTOR_FLOATS = 4

function wholeVectors(elements: number): number {
  return Math.ceil(elements / VECTOR_FLOATS) * VECTOR_FLOATS
}

/**
 * How images are laid out for the microkernels: one plane for each phase of the stride and channel. All in elements; see
 * kernels-wasm/assembly/backprop/planes.ts.
 */
export interface PlaneLayout {
  /** Between the outputs of a plane. */
  readonly stride: readonly [number, number]
  /** Phases of the stride that a tap falls into: vertical, horizontal. */
  readonly phases: readonly [number, number]
  /** Of a plane. */
  readonly rows: number
  readonly columns: number
  readonly planeStride: number
  /** Of all planes, with what the last vectors may read behind them. */
  readonly size: number
  /** Zeros in front of the first output grid. */
  readonly margin: number
  /** Between output grids, which are as wide as the planes; zeros behind each one reach the next. */
  readonly gridStride: number
  readonly gridSize: number
  /** Vectors of pixels of an output grid, and of a plane. */
  readonly gridVectors: number
  readonly planeVectors: number
}

/** The layout of a convolution. */
export function planeLayout({ channels, outChannels, outHeight, outWidth, kernel, stride }: Conv2dShape): PlaneLayout {
  // Where there is one output, the stride leads nowhere: any that keeps the taps apart will do.
  const step = (outputs: number, axis: 0 | 1) => (outputs > 1 ? stride[axis] : Math.min(stride[axis], kernel[axis]))
  const steps = [step(outHeight, 0), step(outWidth, 1)] as const
  const phases = [Math.min(steps[0], kernel[0]), Math.min(steps[1], kernel[1])] as const
  const tall = Math.floor((kernel[0] - 1) / steps[0])
  const wide = Math.floor((kernel[1] - 1) / steps[1])
  const rows = outHeight + tall
  const columns = outWidth + wide
  const planeStride = wholeVectors(rows * columns)
  const margin = wholeVectors(tall * columns + wide)
  const gridStride = planeStride + margin + VECTOR_FLOATS
  return {
    stride: steps,
    phases,
    rows,
    columns,
    planeStride,
    size: phases[0] * phases[1] * channels * planeStride + columns + 2 * VECTOR_FLOATS,
    margin,
    gridStride,
    gridSize: margin + outChannels * gridStride,
    gridVectors: Math.ceil((outHeight * columns) / VECTOR_FLOATS),
    planeVectors: planeStride / VECTOR_FLOATS,
  }
}

/** Byte offset from the planes at which column `column` of w meets the first output, and its plane. */
export function tapOffset(
  column: number,
  { channels, kernel: [kh, kw] }: Conv2dShape,
  { columns, planeStride, phases, stride: [sy, sx] }: PlaneLayout,
): { readonly plane: number; readonly shift: number; readonly bytes: number } {
  const channel = Math.floor(column / (kh * kw))
  const [i, j] = [Math.floor(column / kw) % kh, column % kw]
  const plane = ((i % sy) * phases[1] + (j % sx)) * channels + channel
  const shift = Math.floor(i / sy) * columns + Math.floor(j / sx)
  return { plane, shift, bytes: (plane * planeStride + shift) * F32 }
}
