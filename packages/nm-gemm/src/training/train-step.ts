import { expectOptions, nm, type Tensor } from '@nnz/core'
import { nmGemm, nmGemmTransposed } from '../operations.ts'
import { expectFinite, expectMask, expectShape, rowMajor } from './matrix.ts'
import { PATTERN_24 } from './pack24.ts'
import { TrainPlan24, type TrainPlan24Options, type TrainStep24 } from './train-plan.ts'
import { transposableMask24 } from './transposable-mask.ts'
import { type WeightGradientOptions, weightGradient } from './weight-gradient.ts'

/** Options of {@link trainStep24}. */
export interface TrainStep24Options extends WeightGradientOptions {
  /** Which weights are kept: at most two of four along rows, along columns too if dX is to be as fast. Default: {@link transposableMask24} of w. */
  mask?: Uint8Array | undefined
}

function step(w: Tensor, x: Tensor, options: TrainStep24Options = {}): TrainStep24 {
  const name = 'trainStep24'
  expectOptions(options, name)
  const matrix = rowMajor(w, `${name}: w`)
  expectFinite(matrix, `${name}: w`)
  const mask = expectMask(options.mask ?? transposableMask24(w), matrix.data.length, `${name}: mask`)
  const weights = nm.fromMasked(matrix.data, mask, [matrix.rows, matrix.columns], PATTERN_24)
  const y = nmGemm(weights, x, { backend: options.backend })
  return {
    y,
    mask,
    backward(dY) {
      expectShape(dY, y.shape, `${name}: dY`)
      const dX = nmGemmTransposed(weights, dY, { backend: options.backend })
      return { dX, dW: weightGradient(dY, x, options) }
    },
  }
}

function plan(mask: Uint8Array, shape: readonly number[], options: TrainPlan24Options): TrainPlan24 {
  expectOptions(options, 'trainStep24.plan')
  return new TrainPlan24(mask, shape, options)
}

/**
 * The three products of a training step with 2:4 weights (arXiv 2404.01847, 2409.09099): y = W·x, and backwards
 * dX = Wᵀ·dY with the same pattern and dW = dY·xᵀ with dY thinned out to 2:4 without bias.
 *
 * - `trainStep24(w, x, { mask, random })`: w the dense weights [M, K], which the optimiser keeps; x [K, N], any strides, kept
 *   until `backward` and not copied. Packs w at each call.
 * - `trainStep24.plan(mask, [M, K], { columns, random })` packs a mask once; see {@link TrainPlan24}. It pays where the
 *   mask stays for some steps and N is large.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit, an element of w is not finite, or the mask keeps more than two of four
 */
export const trainStep24 = Object.assign(step, { plan })
