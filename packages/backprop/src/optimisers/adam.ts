import { expectOptions } from '../checks.ts'
import { expectParameters } from '../kit/arguments.ts'
import { expectIn, isMatrix, type Optimiser, type OptimiserOptions, stateOf } from './optimiser.ts'

/** Options of {@link adam} and {@link adamW}. */
export interface AdamOptions extends OptimiserOptions {
  /** Default: 0.9. */
  beta1?: number
  /** Default: 0.999. */
  beta2?: number
  /** Default: 1e-8. */
  epsilon?: number
}

function create(options: AdamOptions, decoupled: boolean, name: string): Optimiser {
  expectOptions(options, name)
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, decays = isMatrix } = options
  const infinite = Number.POSITIVE_INFINITY
  expectIn(
    {
      learningRate: [options.learningRate, infinite],
      beta1: [beta1, 1],
      beta2: [beta2, 1],
      epsilon: [epsilon, infinite],
      weightDecay: [weightDecay, infinite],
    },
    name,
  )
  return {
    steps: 0,
    states: ['first', 'second'],
    step(parameters, learningRate = options.learningRate) {
      const list = expectParameters(parameters, name)
      expectIn({ learningRate: [learningRate, infinite] }, name)
      this.steps++
      const rate = learningRate / (1 - beta1 ** this.steps)
      const correction = 1 / (1 - beta2 ** this.steps)
      for (const parameter of list) {
        const { gradient, places } = parameter
        if (!gradient || gradient.length === 0) continue
        const w = parameter.value.data
        const first = stateOf(parameter, 'first')
        const second = stateOf(parameter, 'second')
        const decay = decays(parameter) ? weightDecay : 0
        const shrink = decoupled ? 1 - learningRate * decay : 1
        const added = decoupled ? 0 : decay
        for (let i = 0; i < gradient.length; i++) {
          const at = places ? places[i] : i
          const slope = gradient[i] + added * w[at]
          const m = (first[i] = beta1 * first[i] + (1 - beta1) * slope)
          const v = (second[i] = beta2 * second[i] + (1 - beta2) * slope * slope)
          w[at] = shrink * w[at] - (rate * m) / (Math.sqrt(v * correction) + epsilon)
        }
        parameter.version++
      }
    },
  }
}

/**
 * Adam (Kingma and Ba, arXiv 1412.6980); weight decay is added to the gradient. An entry that is grown late begins with
 * both moments at zero and without correction of their bias, so that its first step is about three learning rates long.
 */
export function adam(options: AdamOptions): Optimiser {
  return create(options, false, 'adam')
}

/** AdamW: weight decay apart from the gradient (Loshchilov and Hutter, arXiv 1711.05101). */
export function adamW(options: AdamOptions): Optimiser {
  return create(options, true, 'adamW')
}
