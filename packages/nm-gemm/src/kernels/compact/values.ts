import { type CompactType, type CompactValues, nm, nmg, type QuantiseOptions } from '@nnz/core'
import type { AnyNmWeights, CompactNmWeights, NmProblem, NmWeights } from '../../problem.ts'

/** Reason why a row for other values does not apply. */
export function otherValues(wanted: string, { valueType }: NmProblem): string {
  return `is for ${wanted} values, these are ${valueType ?? 'f32'}`
}

/** The same weights with f32 values. */
export function widened(w: AnyNmWeights): NmWeights {
  return w.layout === 'nm' ? nm.toFloat32(w) : nmg.toFloat32(w)
}

function optionsOf(values: CompactValues): QuantiseOptions {
  const type: CompactType = values.type
  return values.type === 'i8' ? { type, scales: { columns: values.groupColumns } } : { type }
}

/** The weights with other values, given in f32 and in canonical order, stored as those of w are. */
export function requantised(w: CompactNmWeights, values: Float32Array): CompactNmWeights {
  const options = optionsOf(w.values)
  return w.layout === 'nm' ? nm.quantise(nm({ ...w, values }), options) : nmg.quantise(nmg({ ...w, values }), options)
}
