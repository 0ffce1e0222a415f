import { describe, rangeError } from '@nnz/core'
import { expectArguments, expectParameters, listOf } from '../kit/arguments.ts'
import type { Module } from '../kit/module.ts'
import type { Parameter } from '../kit/parameter.ts'
import type { Random } from '../kit/random.ts'
import { globalMasks } from '../masks/magnitude-masks.ts'
import { highest, magnitudes } from '../masks/select.ts'

/** Trains the parameters that are wanted as a whole and nothing of the others. */
export function trainOnly(parameters: Iterable<Parameter>, wanted: (parameter: Parameter) => boolean): void {
  expectArguments('trainOnly', { function: { wanted } })
  for (const parameter of expectParameters(parameters, 'trainOnly'))
    parameter.train({ what: wanted(parameter) ? 'all' : 'nothing' })
}

/** Trains the parameters whose name ends in `bias` and nothing of the others (BitFit, Ben Zaken et al., arXiv 2106.10199). */
export function trainBiases(parameters: Iterable<Parameter>): void {
  trainOnly(parameters, ({ name }) => name.endsWith('bias'))
}

/** Trains chosen modules and nothing of the others. */
export function trainModules(all: readonly Module[], chosen: Iterable<Module>): void {
  const wanted = new Set(
    listOf('module', chosen, 'chosen', 'trainModules').flatMap(({ parameters }) => [...parameters]),
  )
  for (const { parameters } of listOf('module', all, 'all', 'trainModules'))
    trainOnly(parameters, (parameter) => wanted.has(parameter))
}

/** One parameter and one score for each stored element. */
export interface ScoredParameter {
  readonly parameter: Parameter
  readonly scores: ArrayLike<number>
}

/** Trains the `count` elements with the highest scores over all parameters together, and nothing else of them. */
export function trainHighest(scored: readonly ScoredParameter[], count: number): void {
  for (const { parameter, scores } of listOf('object', scored, 'scored', 'trainHighest')) {
    expectArguments('trainHighest', { parameter: { parameter }, numbers: { scores } })
    if (scores.length !== parameter.value.data.length) {
      throw rangeError(
        'NNZ_SHAPE',
        `trainHighest: expected ${parameter.value.data.length} scores for ${parameter.name}, got ${scores.length}`,
      )
    }
  }
  const masks = globalMasks(
    scored.map(({ scores }) => ({ shape: [1, scores.length], scores })),
    count,
  )
  scored.forEach(({ parameter }, i) => {
    parameter.train({ what: 'entries', indices: masks[i].columnIndices })
  })
}

/**
 * Trains the elements with the largest gradients, which a calibration pass left (SAFT, Nguyen et al., arXiv 2407.03036).
 *
 * @param share of the elements of these parameters, 0..1
 */
export function trainLargestGradients(parameters: readonly Parameter[], share: number): void {
  trainHighest(
    expectParameters(parameters, 'trainLargestGradients').map((parameter) => {
      if (parameter.trained.what !== 'all' || !parameter.gradient)
        throw rangeError('NNZ_VALUE', `trainLargestGradients: ${parameter.name} has no gradient of all its elements`)
      return { parameter, scores: magnitudes(parameter.gradient) }
    }),
    shareOf(parameters, share),
  )
}

/** Trains the smallest magnitudes, which matter least (SaRA, Hu et al., arXiv 2409.06633). */
export function trainSmallestMagnitudes(parameters: readonly Parameter[], share: number): void {
  trainHighest(
    expectParameters(parameters, 'trainSmallestMagnitudes').map((parameter) => ({
      parameter,
      scores: parameter.value.data.map((value) => -Math.abs(value)),
    })),
    shareOf(parameters, share),
  )
}

function shareOf(parameters: readonly Parameter[], share: number): number {
  if (!(share >= 0 && share <= 1))
    throw rangeError('NNZ_VALUE', `expected a share of elements in 0..1, got ${describe(share)}`)
  return Math.round(share * parameters.reduce((sum, { value }) => sum + value.data.length, 0))
}

/**
 * Importance of layers, learnt from rewards while a sample of them is trained at each step (IST, Yao et al., arXiv
 * 2410.11772).
 */
export class LayerImportance {
  readonly scores: Float64Array

  constructor(layers: number) {
    if (!(Number.isInteger(layers) && layers >= 0))
      throw rangeError('NNZ_VALUE', `LayerImportance: expected a whole number of layers, got ${describe(layers)}`)
    this.scores = new Float64Array(layers)
  }

  /** `count` different layers, rising, each next one drawn in proportion to the exponential of its score. */
  sample(count: number, random: Random): number[] {
    if (!(count >= 0 && count <= this.scores.length))
      throw rangeError(
        'NNZ_VALUE',
        `LayerImportance: expected at most ${this.scores.length} layers, got ${describe(count)}`,
      )
    expectArguments('LayerImportance', { random: { random } })
    // The largest of score + Gumbel noise: the same as drawing one after another without putting back.
    const noisy = Float64Array.from(this.scores, (score) => score - Math.log(-Math.log(1 - random.next() || 2 ** -33)))
    return [...highest(noisy, count)]
  }

  /** Moves the scores of layers towards a reward, such as how much the loss fell while they were trained. */
  reward(layers: Iterable<number>, reward: number, rate = 0.1): void {
    const list = Array.from(layers ?? [])
    if (!list.every((layer) => layer in this.scores) || !Number.isFinite(reward) || !Number.isFinite(rate))
      throw rangeError(
        'NNZ_VALUE',
        `LayerImportance: expected layers below ${this.scores.length} and a finite reward and rate, got ${list.join(', ')}; ${describe(reward)}, ${describe(rate)}`,
      )
    for (const layer of list) this.scores[layer] += rate * (reward - this.scores[layer])
  }
}
