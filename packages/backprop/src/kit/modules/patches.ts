import { rangeError, type Tensor, tensor } from '@nnz/core'

/** Sizes of a convolution over images [images, channels · height · width]. */
export interface ConvolutionShape {
  readonly inputs: number
  readonly outputs: number
  readonly height: number
  readonly width: number
  /** Extent of the square kernel. */
  readonly kernel: number
  readonly stride: number
  readonly padding: number
}

/** Height and width of what a convolution gives. Throws RangeError where the kernel does not fit. */
export function outputExtents({ height, width, kernel, stride, padding }: ConvolutionShape): [number, number] {
  const extent = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1
  const extents: [number, number] = [extent(height), extent(width)]
  const whole = [height, width, kernel, stride, padding].every(Number.isInteger)
  if (!whole || kernel < 1 || stride < 1 || padding < 0 || Math.min(...extents) < 1) {
    throw rangeError(
      'NNZ_SHAPE',
      `conv2d: expected a kernel that fits, got ${kernel}x${kernel} over ${height}x${width}, stride ${stride}, padding ${padding}`,
    )
  }
  return extents
}

/**
 * For each element of each patch of one image its pixel, or the number of pixels where it lies in the padding:
 * [places, inputs · kernel²].
 */
export function patchPixels(shape: ConvolutionShape): Uint32Array {
  const { inputs, height, width, kernel, stride, padding } = shape
  const [rows, columns] = outputExtents(shape)
  const size = inputs * kernel * kernel
  return Uint32Array.from({ length: rows * columns * size }, (_, at) => {
    const place = Math.floor(at / size)
    const y = Math.floor(place / columns) * stride + (Math.floor(at / kernel) % kernel) - padding
    const x = (place % columns) * stride + (at % kernel) - padding
    const channel = Math.floor((at % size) / (kernel * kernel))
    const inside = y >= 0 && y < height && x >= 0 && x < width
    return inside ? (channel * height + y) * width + x : inputs * height * width
  })
}

/** The pixels under the kernel, a row for each place of the output: [images · places, inputs · kernel²]. */
export function patches(x: Tensor, pixels: Uint32Array, size: number): Tensor {
  const [images, area] = x.shape
  const values = new Float32Array(images * pixels.length)
  // One element more, which stays zero, is the padding.
  const image = new Float32Array(area + 1)
  for (let i = 0, at = 0; i < images; i++) {
    image.set(x.data.subarray(i * area, (i + 1) * area))
    for (let j = 0; j < pixels.length; j++) values[at++] = image[pixels[j]]
  }
  return tensor(values, [(images * pixels.length) / size, size])
}

/** The transpose of {@link patches}: adds what belongs to one pixel. */
export function fromPatches(values: Tensor, pixels: Uint32Array, images: number, area: number): Tensor {
  const sums = new Float32Array(images * area)
  const image = new Float32Array(area + 1)
  const source = values.data
  for (let i = 0, at = 0; i < images; i++) {
    image.fill(0)
    for (let j = 0; j < pixels.length; j++) image[pixels[j]] += source[at++]
    sums.set(image.subarray(0, area), i * area)
  }
  return tensor(sums, [images, area])
}

/** [images · places, channels] to [images, channels · places] (`toImages`), or back. */
export function swapChannels(x: Tensor, images: number, channels: number, toImages: boolean): Tensor {
  const places = x.data.length / Math.max(1, images * channels)
  const values = new Float32Array(x.data.length)
  const source = x.data
  for (let image = 0; image < images; image++) {
    const base = image * channels * places
    for (let channel = 0; channel < channels; channel++) {
      for (let place = 0; place < places; place++) {
        const [planar, packed] = [base + channel * places + place, base + place * channels + channel]
        if (toImages) values[planar] = source[packed]
        else values[packed] = source[planar]
      }
    }
  }
  return tensor(values, toImages ? [images, channels * places] : [images * places, channels])
}
