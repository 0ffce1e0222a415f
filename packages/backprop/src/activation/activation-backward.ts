import { type BackendOption, describe, rangeError, resolveBackend, type Tensor } from '@nnz/core'
import { expectApart, expectOptions, expectShaped, outputTensor } from '../checks.ts'
import { createSlopes } from './create.ts'
import { BACKWARD_ACTIVATIONS, type BackwardActivation } from './slopes.ts'

/** Options of {@link activationBackward}. */
export interface ActivationBackwardOptions {
  activation: BackwardActivation
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  backend?: BackendOption | undefined
  /** Written and returned; may be dy. Default: a new tensor on the JS heap. */
  out?: Tensor | undefined
}

/** Checks the name of an activation; the default is `none`. */
export function expectBackwardActivation(value: unknown, name: string): BackwardActivation {
  const activation = value ?? 'none'
  if (!BACKWARD_ACTIVATIONS.includes(activation as BackwardActivation)) {
    throw rangeError(
      'NNZ_VALUE',
      `${name}: expected activation to be one of ${BACKWARD_ACTIVATIONS.join(', ')}, got ${describe(value)}`,
    )
  }
  return activation as BackwardActivation
}

/**
 * Gradients through an activation: dz = dy · f'(z).
 *
 * @param dy gradients of the output, a matrix of any strides
 * @param preActivation z, what the activation was applied to, of the shape of dy. For `relu` its output does as well.
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit, or `out` overlaps z
 */
export function activationBackward(dy: Tensor, preActivation: Tensor, options: ActivationBackwardOptions): Tensor {
  const name = 'activationBackward'
  expectOptions(options, name)
  const activation = expectBackwardActivation(options.activation, name)
  const from = expectShaped(dy, [undefined, undefined], `${name}: dy`)
  const before = expectShaped(preActivation, from.shape, `${name}: preActivation`)
  const out = outputTensor(options.out, from.shape, `${name}: out`)
  if (options.out) expectApart(out, `${name}: out`, { preActivation, dy: out === dy ? undefined : dy })
  const [m, n] = from.shape
  const runner = createSlopes({ m, n, activation }, resolveBackend(options.backend))
  const given = activation === 'none' ? undefined : before
  runner.run({ dy: from, preActivation: given, dz: out, dBias: undefined })
  return out
}
