import type { LayerReport } from '../driver/report.ts'
import type { Matrix } from './choose.ts'

/** What is already there of a file, and where the rest goes. */
export interface Progression {
  /** Weights of a matrix that an earlier run finished. */
  readonly finished: (matrix: Matrix) => Promise<Float32Array | undefined>
  /** Takes what each of the others became. */
  readonly store: (matrix: Matrix, report: LayerReport, weights: Float32Array) => Promise<void>
}

/** A way to prune the matrices of a file. */
export interface Pruner {
  readonly matrices: readonly Matrix[]
  /** Entries that each keeps; undefined where patterns say it, or where it is measured first. */
  readonly kept: readonly number[] | undefined
  run(progression: Progression): Promise<void>
}
