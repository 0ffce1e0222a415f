import type { SensitivityCurve } from '../allocation/allocate.ts'
import { magnitude } from '../methods/magnitude.ts'
import { wanda } from '../methods/wanda.ts'
import type { LayerWeights } from '../network.ts'
import { keptOf } from '../pattern/pattern.ts'
import { type InputSample, OutputError } from '../sample.ts'
import type { CheckedOptions } from './options.ts'

const TRIALS = [0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]

/** What a layer's output loses at some sparsities, by magnitudes or (for methods that know inputs) by Wanda's scores. */
export function sensitivityOf(layer: LayerWeights, sample: InputSample, options: CheckedOptions): SensitivityCurve {
  const { method, pattern, scope } = options
  const places = layer.weights.length
  const outputs = new OutputError(layer, sample.inputs())
  const statistics = { squaredNorms: sample.squaredNorms() }
  const points = TRIALS.map((sparsity) => {
    const kept = keptOf(places, sparsity)
    const trial = { pattern, kept, scope }
    const { weights } = method === 'magnitude' ? magnitude(layer, trial) : wanda(layer, statistics, trial)
    return { kept, error: outputs.of(weights) }
  })
  return { places, points }
}
