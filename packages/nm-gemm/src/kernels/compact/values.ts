import { nm, nmg, quantiseOptionsOf } from '@nnz/core'
import type { AnyNmWeights, CompactNmWeights, NmProblem, NmWeights } from '../../problem.ts'

/** Reason why a row for other values does not apply. */
export function otherValues(wanted: string, { valueType }: NmProblem): string {
  return `is for ${wanted} values, these are ${valueType ?? 'f32'}`
}

/** The same weights with f32 values. */
export function widened(w: AnyNmWeights): NmWeights {
  return w.layout === 'nm' ? nm.toFloat32(w) : nmg.toFloat32(w)
}

/** The weights with other values, given in f32 and in canonical order, stored as those of w are. */
export function requantised(w: CompactNmWeights, values: Float32Array): CompactNmWeights {
  const options = quantiseOptionsOf(w.values)
  return w.layout === 'nm' ? nm.quantise(nm({ ...w, values }), options) : nmg.quantise(nmg({ ...w, values }), options)
}
