import type { LayerReport, PruneTotal } from '../driver/report.ts'

/** One pruned matrix. */
export interface MatrixReport extends LayerReport {
  /** As in the input; rows are its outputs and columns its inputs. */
  readonly shape: readonly number[]
  /** Type of the elements in the input. */
  readonly dtype: string
  readonly method: string
}

/** What was done, as JSON beside the output; nothing in it tells of the machine but the seconds. */
export interface FileReport {
  readonly schema: 1
  readonly input: { readonly name: string; readonly format: string; readonly bytes: number; readonly sha256: string }
  readonly output: { readonly name: string; readonly bytes: number; readonly sparse: boolean }
  readonly method: string
  readonly pattern: string
  readonly allocation: string
  readonly layers: readonly MatrixReport[]
  /** Tensors that were copied. */
  readonly copied: readonly string[]
  /** Tensors that the output cannot hold. */
  readonly leftOut: readonly string[]
  readonly total: PruneTotal
}
