import { describe, rangeError } from '@nnz/core'
import type { Parameter } from '../kit/parameter.ts'

/** Changes parameters by their gradients. Its state lives in the parameters, for the trained elements only. */
export interface Optimiser {
  /** Steps taken; set when training goes on from a checkpoint. */
  steps: number
  /** Names of the states that it keeps for each parameter. */
  readonly states: readonly string[]
  /**
   * One step on every parameter that has a gradient.
   *
   * @param learningRate replaces the one given at the beginning
   * @throws RangeError before anything is written, if it is not a finite number from 0 on
   */
  step(parameters: Iterable<Parameter>, learningRate?: number): void
}

/** Options that all optimisers have. */
export interface OptimiserOptions {
  learningRate: number
  /** Pulls trained elements towards zero: entries that are not kept have nothing to decay. Default: 0. */
  weightDecay?: number
  /** Which parameters decay. Default: matrices and convolutions, not biases and norms. */
  decays?: (parameter: Parameter) => boolean
}

/** Throws RangeError unless each value is a number in its range. */
export function expectIn(values: Record<string, readonly [value: number, below: number]>, name: string): void {
  for (const [key, [value, below]] of Object.entries(values)) {
    if (!(typeof value === 'number' && value >= 0 && value < below))
      throw rangeError('NNZ_VALUE', `${name}: expected ${key} from 0 to below ${below}, got ${describe(value)}`)
  }
}

/** By default what has rows and columns decays. */
export function isMatrix(parameter: Parameter): boolean {
  return parameter.shape.length > 1
}

/** The state of that name, zeros at first. */
export function stateOf(parameter: Parameter, name: string): Float32Array {
  let state = parameter.state.get(name)
  if (!state) {
    state = new Float32Array(parameter.count)
    parameter.state.set(name, state)
  }
  return state
}
