import type { Method } from '../driver/options.ts'
import type { Pattern } from '../pattern/pattern.ts'
import type { Scope } from '../pattern/select.ts'
import type { QuantiseChoice } from '../sparsegpt/quantiser.ts'
import type { Choice } from './choose.ts'
import type { MatrixReport } from './report.ts'

/** What is done to a file. */
export interface FileOptions extends Choice {
  readonly input: string
  readonly output: string
  /** Where the report goes. */
  readonly report: string
  readonly method: Method
  readonly pattern: Pattern
  readonly sparsity?: number | undefined
  readonly allocation: 'uniform' | 'erk' | 'global' | 'sensitivity'
  readonly scope?: Scope | undefined
  readonly quantise?: QuantiseChoice | undefined
  readonly refine?: boolean | undefined
  /** File of text to calibrate with. */
  readonly text?: string | undefined
  /** How many pieces of it are taken. */
  readonly samples?: number | undefined
  /** Store pruned matrices in sparse layouts. */
  readonly sparse: boolean
  /** Replace outputs that exist. */
  readonly force: boolean
  /** Discard what an interrupted run left. */
  readonly restart: boolean
  readonly onProgress?: ((progress: FileProgress) => void) | undefined
}

/** Told before the first matrix and after each. */
export interface FileProgress {
  readonly done: number
  readonly total: number
  /** Matrices that an interrupted run had finished. */
  readonly resumed: number
  readonly last?: MatrixReport | undefined
}
