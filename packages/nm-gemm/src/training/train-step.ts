import { type BackendOption, expectOptions, gemm, nm, type Tensor, transposed } from '@nnz/core'
import { nmGemm, nmGemmTransposed } from '../operations.ts'
import { expectMask, expectShape, rowMajor } from './matrix.ts'
import { mvue24 } from './mvue.ts'
import { transposableMask24 } from './transposable-mask.ts'

const PATTERN = { n: 2, m: 4 }

/** Options of {@link trainStep24}. */
export interface TrainStep24Options {
  /** Which weights are kept: at most two of four along rows, along columns too if dX is to be as fast. Default: {@link transposableMask24} of w. */
  mask?: Uint8Array | undefined
  /**
   * Makes dW a 2:4 product, too: of the unbiased estimate {@link mvue24} of dY along the tokens, drawn with these numbers in
   * [0, 1). Without it dW is computed from dY itself, densely.
   */
  random?: (() => number) | undefined
  backend?: BackendOption | undefined
}

/** What {@link trainStep24} returns. */
export interface TrainStep24 {
  /** The product of the masked weights and x, [M, N]. */
  readonly y: Tensor
  /** Ones where weights are kept, row-major: for `maskedGradient` and `flipRate`. */
  readonly mask: Uint8Array
  /**
   * From the gradient of y: that of x [K, N], and that of the masked weights [M, K], dense, as the straight-through
   * estimator wants it.
   *
   * @throws RangeError if dY has not the shape of y, or with `random` an element is not finite
   */
  backward(dY: Tensor): { dX: Tensor; dW: Tensor }
}

/**
 * The three products of a training step with 2:4 weights (arXiv 2404.01847, 2409.09099): y = W·x, and backwards
 * dX = Wᵀ·dY with the same packed pattern and dW = dY·xᵀ with dY thinned out to 2:4 without bias.
 *
 * @param w the dense weights [M, K], which the optimiser keeps
 * @param x [K, N], any strides; kept until `backward`, not copied
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit, an element of w is not finite, or the mask keeps more than two of four
 */
export function trainStep24(w: Tensor, x: Tensor, options: TrainStep24Options = {}): TrainStep24 {
  const name = 'trainStep24'
  expectOptions(options, name)
  const { random, backend } = options
  const matrix = rowMajor(w, `${name}: w`)
  const shape = [matrix.rows, matrix.columns]
  const mask = expectMask(options.mask ?? transposableMask24(w), matrix.data.length, `${name}: mask`)
  const weights = nm.fromMasked(matrix.data, mask, shape, PATTERN)
  const y = nmGemm(weights, x, { backend })
  return {
    y,
    mask,
    backward(dY) {
      expectShape(rowMajor(dY, `${name}: dY`), y.shape, `${name}: dY`)
      const dX = nmGemmTransposed(weights, dY, { backend })
      if (random === undefined) return { dX, dW: gemm(dY, transposed(x), { backend }) }
      const estimate = mvue24(dY, random)
      const packed = nm.fromDense(estimate.data, estimate.shape, PATTERN)
      return { dX, dW: nmGemm(packed, transposed(x), { backend }) }
    },
  }
}
