import { type Csr, expectMatrix, gemm, rangeError, type Tensor, tensor, transposed } from '@nnz/core'
import type { Pattern } from '../../masks/pattern.ts'
import { expectArguments } from '../arguments.ts'
import { initialWeights } from '../initial.ts'
import type { BackwardOptions, ForwardOptions } from '../module.ts'
import { Parameter } from '../parameter.ts'
import type { Random } from '../random.ts'
import { columnSums, rowMajor } from './gather.ts'
import { Leaf } from './leaf.ts'
import { type ConvolutionShape, fromPatches, outputExtents, patches, patchPixels, swapChannels } from './patches.ts'
import { SparseConvolution } from './sparse-convolution.ts'
import { type ProductGradients, WeightProduct } from './weight-product.ts'

/** Options of {@link Conv2d}. */
export interface Conv2dOptions extends Omit<ConvolutionShape, 'stride' | 'padding'> {
  /** Default: 1. */
  readonly stride?: number
  /** Zeros around the image. Default: 0. */
  readonly padding?: number
  readonly random: Random
  /** Default: √2, for layers before a relu. */
  readonly gain?: number
}

/**
 * Taps read one plane after another. Over planes of fewer places than this, and where more than this share of the weight
 * is kept, patches of all images together are faster.
 */
const SMALL_PLANE = { places: 36, density: 0.2 }

interface SavedPatches {
  readonly images: number
  readonly x: Tensor | undefined
}

/**
 * Convolution of images [images, inputs · height · width] to [images, outputs · rows · columns]. The weight is a matrix
 * [outputs, inputs · kernel²], dense or sparse, as that of a linear layer over patches; it may change between them.
 */
export class Conv2d extends Leaf<SavedPatches> {
  readonly parameters: readonly Parameter[]
  readonly weight: Parameter
  readonly bias: Parameter
  /** Rows and columns of the output. */
  readonly extents: readonly [rows: number, columns: number]
  readonly #name: string
  readonly #shape: ConvolutionShape
  readonly #product: WeightProduct
  #sparse: SparseConvolution | undefined
  /** Which pixels stand under the kernel. */
  readonly #pixels: Uint32Array

  constructor(name: string, options: Conv2dOptions, weight?: Tensor | Csr) {
    super()
    expectArguments('Conv2d', { string: { name }, object: { options } })
    const { inputs, outputs, kernel, random, gain } = options
    this.#name = name
    this.#shape = { stride: 1, padding: 0, ...options }
    this.extents = outputExtents(this.#shape)
    this.#pixels = patchPixels(this.#shape)
    const initial = weight ?? initialWeights([outputs, inputs * kernel ** 2], random, gain)
    this.weight = new Parameter(`${name}.weight`, initial)
    this.bias = new Parameter(`${name}.bias`, tensor(new Float32Array(outputs), [outputs]))
    this.parameters = [this.weight, this.bias]
    this.#product = new WeightProduct(this.weight)
  }

  /** What convolves a sparse weight of which all or nothing is trained; other weights meet patches. */
  get #taps(): SparseConvolution | undefined {
    const { csr, trained, shape } = this.weight
    if (this.#sparse?.w !== csr) {
      this.#sparse?.dispose()
      this.#sparse = csr && new SparseConvolution(csr, this.#shape)
    }
    if (!csr || (trained.what !== 'all' && trained.what !== 'nothing')) return undefined
    const large = this.extents[0] * this.extents[1] >= SMALL_PLANE.places
    return large || csr.nnz <= SMALL_PLANE.density * shape[0] * shape[1] ? this.#sparse : undefined
  }

  override get packedBytes(): number {
    return this.#product.packedBytes + (this.#sparse?.packedBytes ?? 0)
  }

  override dispose(): void {
    this.#product.dispose()
    this.#sparse?.dispose()
    this.#sparse = undefined
  }

  #patches(x: Tensor): Tensor {
    return patches(x, this.#pixels, this.weight.shape[1])
  }

  forward(x: Tensor, { save = true }: ForwardOptions = {}): Tensor {
    const { inputs, outputs, height, width } = this.#shape
    const [images, pixels] = expectMatrix(x, `${this.#name}: x`).shape
    if (pixels !== inputs * height * width || x.strides[0] !== pixels || x.strides[1] !== 1) {
      throw rangeError(
        'NNZ_SHAPE',
        `${this.#name}: x is [${images}, ${pixels}], expected rows of ${inputs} channels of ${height}x${width} without gaps`,
      )
    }
    // Patches are made again in the backward pass: they are kernel² times as large as the images.
    const kept = save && this.weight.count > 0 ? x : undefined
    const places = this.extents[0] * this.extents[1]
    if (save) this.keep({ images, x: kept }, kept ? [kept.data] : [], [images, outputs * places])
    else this.forget()
    this.work.forward += images * places * this.weight.value.data.length
    const bias = this.bias.value.data
    const taps = this.#taps
    if (taps) return taps.forward(x, bias, this.weight)
    return swapChannels(this.#product.forward(this.#patches(x), bias), images, outputs, true)
  }

  backward(dy: Tensor, { input = true, everywhere = false }: BackwardOptions = {}): Tensor | undefined {
    const { images, x } = this.take(dy, this.#name)
    const places = this.extents[0] * this.extents[1]
    const { weight, bias } = this
    const taps = this.#taps
    const planes = tensor(rowMajor(dy), dy.shape)
    const slopes = swapChannels(planes, images, this.#shape.outputs, false)
    const { dx, gradient } = taps
      ? taps.backward(planes, x, input, weight)
      : this.#overPatches(slopes, x, images, input)
    weight.gradient = gradient
    const wanted = everywhere && x && weight.csr
    weight.gradientEverywhere = wanted ? gemm(transposed(slopes), this.#patches(x)).data : undefined
    const count = images * places
    if (input) this.work.inputGradient += count * weight.value.data.length
    if (gradient) this.work.weightGradient += count * weight.count
    if (wanted) this.work.weightGradient += count * weight.shape[0] * weight.shape[1]
    bias.takeGradient(() => columnSums(slopes))
    return dx
  }

  #overPatches(slopes: Tensor, x: Tensor | undefined, images: number, input: boolean): ProductGradients {
    const { inputs, height, width } = this.#shape
    const { dx, gradient } = this.#product.backward(slopes, x && this.#product.needed(this.#patches(x)), input)
    return { dx: dx && fromPatches(dx, this.#pixels, images, inputs * height * width), gradient }
  }
}

/** Options of {@link SparseConv2d}. */
export interface SparseConv2dOptions extends Conv2dOptions {
  /** Entries that are kept, [outputs, inputs · kernel²]. */
  readonly pattern: Pattern
}

/** A {@link Conv2d} that begins sparse. */
export class SparseConv2d extends Conv2d {
  constructor(name: string, options: SparseConv2dOptions) {
    expectArguments('SparseConv2d', { object: { options } })
    expectArguments('SparseConv2d', { pattern: { pattern: options.pattern } })
    const { inputs, outputs, kernel, pattern, random, gain } = options
    super(name, options, initialWeights([outputs, inputs * kernel ** 2], random, gain, pattern))
  }
}
