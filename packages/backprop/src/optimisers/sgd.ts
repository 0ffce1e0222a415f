import { expectOptions } from '../checks.ts'
import { expectParameters } from '../kit/arguments.ts'
import { expectIn, isMatrix, type Optimiser, type OptimiserOptions, stateOf } from './optimiser.ts'

/** Options of {@link sgd}. */
export interface SgdOptions extends OptimiserOptions {
  /** Default: 0, for which no state is kept. */
  momentum?: number
  /** Looks one step ahead along the momentum. Default: false. */
  nesterov?: boolean
}

/** Stochastic gradient descent: v = momentum · v + g + weightDecay · w, w -= learningRate · v. */
export function sgd(options: SgdOptions): Optimiser {
  expectOptions(options, 'sgd')
  const { momentum = 0, nesterov = false, weightDecay = 0, decays = isMatrix } = options
  const infinite = Number.POSITIVE_INFINITY
  expectIn(
    { learningRate: [options.learningRate, infinite], momentum: [momentum, 1], weightDecay: [weightDecay, infinite] },
    'sgd',
  )
  return {
    steps: 0,
    states: momentum > 0 ? ['momentum'] : [],
    step(parameters, learningRate = options.learningRate) {
      const list = expectParameters(parameters, 'sgd')
      expectIn({ learningRate: [learningRate, infinite] }, 'sgd')
      this.steps++
      for (const parameter of list) {
        const { gradient, places } = parameter
        if (!gradient || gradient.length === 0) continue
        const w = parameter.value.data
        const velocity = momentum > 0 ? stateOf(parameter, 'momentum') : undefined
        const decay = decays(parameter) ? weightDecay : 0
        for (let i = 0; i < gradient.length; i++) {
          const at = places ? places[i] : i
          let slope = gradient[i] + decay * w[at]
          if (velocity) {
            velocity[i] = momentum * velocity[i] + slope
            slope = nesterov ? slope + momentum * velocity[i] : velocity[i]
          }
          w[at] -= learningRate * slope
        }
        parameter.version++
      }
    },
  }
}
