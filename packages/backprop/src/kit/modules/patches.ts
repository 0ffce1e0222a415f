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

/** Calls back with each element of each patch: its place among patches and in the images. Padding is left out. */
function eachElement(shape: ConvolutionShape, images: number, visit: (patch: number, pixel: number) => void): void {
  const { inputs, height, width, kernel, stride, padding } = shape
  const [rows, columns] = outputExtents(shape)
  let at = 0
  for (let image = 0; image < images; image++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let channel = 0; channel < inputs; channel++) {
          const base = (image * inputs + channel) * height * width
          for (let i = 0; i < kernel; i++) {
            const y = row * stride + i - padding
            for (let j = 0; j < kernel; j++, at++) {
              const x = column * stride + j - padding
              if (y >= 0 && y < height && x >= 0 && x < width) visit(at, base + y * width + x)
            }
          }
        }
      }
    }
  }
}

/** The pixels under the kernel, a row for each place of the output: [images · places, inputs · kernel²]. */
export function patches(x: Tensor, shape: ConvolutionShape): Tensor {
  const images = x.shape[0]
  const [rows, columns] = outputExtents(shape)
  const size = shape.inputs * shape.kernel ** 2
  const values = new Float32Array(images * rows * columns * size)
  const pixels = x.data
  eachElement(shape, images, (patch, pixel) => {
    values[patch] = pixels[pixel]
  })
  return tensor(values, [images * rows * columns, size])
}

/** The transpose of {@link patches}: adds what belongs to one pixel. */
export function fromPatches(values: Tensor, images: number, shape: ConvolutionShape): Tensor {
  const pixels = new Float32Array(images * shape.inputs * shape.height * shape.width)
  const source = values.data
  eachElement(shape, images, (patch, pixel) => {
    pixels[pixel] += source[patch]
  })
  return tensor(pixels, [images, shape.inputs * shape.height * shape.width])
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
