import { type Csr, describe, isTensor, rangeError, type Tensor, typeError } from '@nnz/core'

/** One number for both axes, or [vertical, horizontal]. */
export type Pair = number | readonly [number, number]

/** What fixes a convolution beside its weights. */
export interface Conv2dGeometry {
  /** [height, width] of a kernel. */
  kernelSize: Pair
  /** Default: 1. */
  stride?: Pair | undefined
  /** Zeros around the image. Default: 0. */
  padding?: Pair | undefined
}

/** All sizes of a convolution; images are NCHW. */
export interface Conv2dShape {
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly outChannels: number
  readonly outHeight: number
  readonly outWidth: number
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly padding: readonly [number, number]
}

/** Pixels along an axis: kernels count them in 32 bits. */
const LARGEST = 2 ** 31 - 1

function pair(value: unknown, least: number, name: string): readonly [number, number] {
  const both: unknown = typeof value === 'number' ? [value, value] : value
  if (!Array.isArray(both))
    throw typeError('NNZ_TYPE', `${name}: expected a number or [vertical, horizontal], got ${describe(value)}`)
  if (both.length !== 2 || !both.every((extent) => Number.isInteger(extent) && extent >= least))
    throw rangeError('NNZ_VALUE', `${name}: expected whole numbers >= ${least}, got [${both.join(', ')}]`)
  return [both[0], both[1]]
}

/** Sizes of a convolution of w [outChannels, channels * kernel height * kernel width] with images of one size. */
export function conv2dShape(
  w: Csr,
  geometry: Conv2dGeometry,
  [height, width]: readonly [number, number],
  name: string,
): Conv2dShape {
  const kernel = pair(geometry.kernelSize, 1, `${name}: kernelSize`)
  const stride = pair(geometry.stride ?? 1, 1, `${name}: stride`)
  const padding = pair(geometry.padding ?? 0, 0, `${name}: padding`)
  pair([height, width], 0, `${name}: height and width`)
  const taps = kernel[0] * kernel[1]
  const [outChannels, columns] = w.shape
  if (columns % taps !== 0)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: w has ${columns} columns, expected a multiple of ${taps} (channels times the taps of a ${kernel.join('x')} kernel)`,
    )
  const extent = (size: number, axis: 0 | 1) => {
    const padded = size + 2 * padding[axis]
    if (padded > LARGEST)
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: expected padded images of at most ${LARGEST} pixels along an axis, got ${padded}`,
      )
    const room = padded - kernel[axis]
    return room < 0 ? 0 : Math.floor(room / stride[axis]) + 1
  }
  return {
    channels: columns / taps,
    height,
    width,
    outChannels,
    outHeight: extent(height, 0),
    outWidth: extent(width, 1),
    kernel,
    stride,
    padding,
  }
}

/** Whether the convolution is the product of w and the image, seen as a matrix [channels, pixels]. */
export function isProduct({ kernel, stride, padding }: Conv2dShape): boolean {
  return [...kernel, ...stride].every((extent) => extent === 1) && padding.every((extent) => extent === 0)
}

/** Checks that a value is a row-major tensor [batch, channels, height, width] and returns it. */
export function expectImages(
  value: unknown,
  [batch, channels, height, width]: readonly (number | undefined)[],
  name: string,
): Tensor {
  if (!isTensor(value)) throw typeError('NNZ_TYPE', `${name}: expected a tensor, got ${describe(value)}`)
  const wanted = [batch, channels, height, width]
  const fits =
    value.shape.length === 4 && wanted.every((extent, i) => extent === undefined || extent === value.shape[i])
  if (!fits)
    throw rangeError(
      'NNZ_SHAPE',
      `${name} is [${value.shape.join(', ')}], expected [${wanted.map((extent) => extent ?? 'any').join(', ')}]`,
    )
  let step = 1
  for (let axis = 3; axis >= 0; axis--) {
    if (value.strides[axis] !== step && value.shape[axis] > 1)
      throw rangeError('NNZ_SHAPE', `${name}: expected row-major strides, got [${value.strides.join(', ')}]`)
    step *= value.shape[axis]
  }
  if (value.data.length < step)
    throw rangeError('NNZ_SHAPE', `${name} has ${value.data.length} elements, expected ${step}`)
  return value
}

/** Image `i` of a batch, as a view. */
export function imageOf(images: Tensor, i: number): Float32Array {
  const size = images.shape[1] * images.shape[2] * images.shape[3]
  return images.data.subarray(i * size, (i + 1) * size)
}
