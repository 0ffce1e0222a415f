import { entriesOf } from '../allocation/allocate.ts'
import { countNonZeros } from '../layer.ts'
import type { LayerWeights } from '../network.ts'
import { relativeDifference } from '../sample.ts'
import type { Method } from './options.ts'

/** How a layer was pruned. */
export interface LayerReport {
  readonly name: string
  readonly rows: number
  readonly columns: number
  /** Weights that are not zero. */
  readonly nnz: number
  /** Share of zeros. */
  readonly sparsity: number
  /**
   * Norm of the output's error over the norm of the output, for inputs as the pruned earlier layers give them (up to 512
   * tokens of the calibration data, evenly spread); null if it was not measured.
   */
  readonly error: number | null
  /** Norm of what was taken from the weights over their norm. */
  readonly weightError: number
  /** Seconds that the layer took, collecting its statistics not included. */
  readonly seconds: number
}

/** How a network was pruned. */
export interface PruneReport {
  readonly method: Method
  /** As {@link patternName} calls it. */
  readonly pattern: string
  /** Its name; `given` for sparsities of each layer. */
  readonly allocation: string
  readonly layers: readonly LayerReport[]
  readonly total: PruneTotal
}

/** Sums over layers. */
export interface PruneTotal {
  readonly weights: number
  readonly nnz: number
  readonly sparsity: number
  /** Of the whole call, forward passes included. */
  readonly seconds: number
}

/** Counts what a layer became. */
export function layerReport(
  { name, rows, columns, weights: before }: LayerWeights & { readonly name: string },
  weights: Float32Array,
  measured: Pick<LayerReport, 'error' | 'seconds'>,
): LayerReport {
  const nnz = countNonZeros(weights)
  const sparsity = weights.length === 0 ? 0 : 1 - nnz / weights.length
  const { error, seconds } = measured
  return { name, rows, columns, nnz, sparsity, error, weightError: relativeDifference(before, weights), seconds }
}

/** Sums over layers. */
export function totalOf(layers: readonly LayerReport[], seconds: number): PruneTotal {
  const nnz = layers.reduce((sum, layer) => sum + layer.nnz, 0)
  const weights = entriesOf(layers)
  return { weights, nnz, sparsity: weights === 0 ? 0 : 1 - nnz / weights, seconds }
}
