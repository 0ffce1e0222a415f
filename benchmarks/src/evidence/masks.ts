import { type NmPattern, tensor } from '@nnz/core'
import { magnitudeMask } from '@nnz/nm-gemm/training'
import type { LayerWeights } from '@nnz/prune'

/** The lengths of the columns of some activations: how much each input of a layer counts. */
export function columnNorms(rows: readonly Float32Array[], width: number): Float64Array {
  const squares = new Float64Array(width)
  for (const data of rows) for (let i = 0; i < data.length; i++) squares[i % width] += data[i] ** 2
  return squares.map(Math.sqrt)
}

/** The n weights of each group that are largest: |w|. */
export function byMagnitude({ weights, rows, columns }: LayerWeights, pattern: NmPattern): Uint8Array {
  return magnitudeMask(tensor(weights, [rows, columns]), pattern)
}

/** The n weights of each group that matter most to the output: |w| times the length of their input (Wanda, arXiv 2306.11695). */
export function byActivation(layer: LayerWeights, norms: Float64Array, pattern: NmPattern): Uint8Array {
  const { weights, rows, columns } = layer
  const scores = weights.map((weight, i) => Math.abs(weight) * norms[i % columns])
  return magnitudeMask(tensor(scores, [rows, columns]), pattern)
}
