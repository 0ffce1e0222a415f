import { describe, expectOptions, rangeError, type Tensor, tensor } from '@nnz/core'
import { expectMask, expectShape, rowMajor } from './matrix.ts'

/** Options of {@link maskedGradient}. */
export interface MaskedGradientOptions {
  /** Share of the gradient that reaches pruned weights: 1 is the straight-through estimator, 0 a fixed mask. Default: 1. */
  flow?: number | undefined
  /** Pulls pruned weights towards zero by `decay · w` (SR-STE). Default: 0. */
  decay?: number | undefined
  /** Pulls pruned weights towards zero by `shrink · sign(w)`. Default: 0. */
  shrink?: number | undefined
}

/**
 * The gradient for dense weights of which the product only sees those under a mask: kept ones get dW as it is, pruned
 * ones `flow · dW + decay · w + shrink · sign(w)`.
 *
 * With `decay` this is SR-STE (arXiv 2102.04010); given to an optimiser's moments, the masked decay of 2:4
 * pre-training (arXiv 2404.01847). With a `flow` from {@link gradientFlow} it is progressive gradient flow (arXiv
 * 2402.04744). `shrink` is an L1 decay, after which the final cut loses nothing.
 *
 * @param dW gradient of the masked weights, [rows, columns]
 * @param w the dense weights, same shape
 * @param mask ones where weights are kept, row-major
 * @returns a new row-major tensor
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit, `flow` is not in 0..1, or `decay` or `shrink` is negative
 */
export function maskedGradient(dW: Tensor, w: Tensor, mask: Uint8Array, options: MaskedGradientOptions = {}): Tensor {
  const name = 'maskedGradient'
  expectOptions(options, name)
  const { flow = 1, decay = 0, shrink = 0 } = options
  expectWithin(flow, 1, `${name}: expected flow to be a number in 0..1`)
  expectWithin(decay, Number.MAX_VALUE, `${name}: expected decay to be a number >= 0`)
  expectWithin(shrink, Number.MAX_VALUE, `${name}: expected shrink to be a number >= 0`)
  const weights = rowMajor(w, `${name}: w`)
  expectShape(dW, [weights.rows, weights.columns], `${name}: dW`)
  const gradient = rowMajor(dW, `${name}: dW`)
  const kept = expectMask(mask, weights.data.length, `${name}: mask`)
  const result = new Float32Array(kept.length)
  for (let i = 0; i < kept.length; i++) {
    const value = weights.data[i]
    result[i] = kept[i] !== 0 ? gradient.data[i] : flow * gradient.data[i] + decay * value + shrink * Math.sign(value)
  }
  return tensor(result, [weights.rows, weights.columns])
}

/** Options of {@link gradientFlow}. */
export interface GradientFlowOptions {
  /** Steps until nothing flows any more. */
  steps: number
  /** How it falls from 1 to 0. Default: `linear`. */
  schedule?: 'linear' | 'cosine' | undefined
}

/**
 * How much gradient reaches pruned weights at a step, from 1 at step 0 falling to 0 at `steps` and staying there: the
 * decaying gradient flow that ends in a fixed mask (arXiv 2402.04744).
 *
 * @throws RangeError if `steps` is not a whole number >= 1 or the schedule is not known; the function it returns, if a
 * step is NaN
 */
export function gradientFlow(options: GradientFlowOptions): (step: number) => number {
  const name = 'gradientFlow'
  expectOptions(options, name)
  const { steps, schedule = 'linear' } = options
  if (!Number.isInteger(steps) || steps < 1)
    throw rangeError('NNZ_VALUE', `${name}: expected steps to be a whole number >= 1, got ${describe(steps)}`)
  if (schedule !== 'linear' && schedule !== 'cosine')
    throw rangeError('NNZ_VALUE', `${name}: expected schedule to be "linear" or "cosine", got ${describe(schedule)}`)
  return (step) => {
    if (typeof step !== 'number' || Number.isNaN(step))
      throw rangeError('NNZ_VALUE', `${name}: expected step to be a number, got ${describe(step)}`)
    const done = Math.min(1, Math.max(0, step / steps))
    return schedule === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2
  }
}

function expectWithin(value: number, most: number, message: string): void {
  if (!(typeof value === 'number' && value >= 0 && value <= most))
    throw rangeError('NNZ_VALUE', `${message}, got ${describe(value)}`)
}
