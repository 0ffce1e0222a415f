import { F32_TYPES, type Kernel, type Packing, type Runner } from '../plan/kernel.ts'
import { finishPanel } from './epilogue-js.ts'
import { doubles, LIMITS, packPanel, rowsTimes1, rowsTimes2, rowsTimes4, rowsTimes7 } from './loops-js.ts'
import type { ProductArguments, ProductProblem } from './problem.ts'
import { reorder } from './stream-packing.ts'

/** Weights as single entries by row. */
export interface Entries {
  readonly rowOffsets: Uint32Array
  readonly columnIndices: Uint32Array
  readonly values: Float32Array
  /** Where entry i stands in the layout's canonical order of values; undefined for "at i". */
  readonly order: Uint32Array | undefined
}

class EntryPacking implements Packing {
  readonly rowOffsets: Uint32Array
  readonly columnIndices: Uint32Array
  readonly values: number[]
  readonly #order: Uint32Array | undefined

  constructor(entries: Entries) {
    this.rowOffsets = entries.rowOffsets
    this.columnIndices = entries.columnIndices
    this.#order = entries.order
    this.values = doubles(entries.values.length)
    this.#write(entries.values)
  }

  #write(values: Float32Array): void {
    for (let i = 0; i < values.length; i++) this.values[i] = values[i]
  }

  get bytes(): number {
    const indices = this.rowOffsets.byteLength + this.columnIndices.byteLength + (this.#order?.byteLength ?? 0)
    return indices + 8 * this.values.length
  }

  updateValues(values: Float32Array): void {
    this.#write(reorder(values, this.#order))
  }

  dispose(): void {}
}

/** The loop for what is left of n columns: as wide as they fill, or with one or two columns that nobody reads. */
function widthFor(columns: number): 1 | 2 | 4 | 7 {
  return columns > 4 ? 7 : columns > 2 ? 4 : columns === 2 ? 2 : 1
}

const LOOPS = { 1: rowsTimes1, 2: rowsTimes2, 4: rowsTimes4, 7: rowsTimes7 } as const

function plan({ m, k, n, activation }: ProductProblem, packing: Packing): Runner<ProductArguments> {
  const { rowOffsets, columnIndices, values } = packing as EntryPacking
  const widest = widthFor(n)
  const panel = doubles(k * widest)
  const sums = new Float64Array(m * widest)
  return {
    run(args) {
      const { data, shape, strides } = args.x
      const columns = shape[1]
      for (let column = 0, width = widest; column < columns; column += width) {
        width = widthFor(columns - column)
        packPanel(data, strides[0], strides[1], k, columns, column, width, panel)
        LOOPS[width](rowOffsets, columnIndices, values, panel, sums)
        finishPanel(sums, column, width, args, activation)
      }
    },
  }
}

/** What a row of the table gives to run its weights as single entries in plain JavaScript. */
export interface EntryView<P extends ProductProblem & { readonly nnz: number }, W> {
  readonly operation: string
  /** What stands in front of `__` in the row's name. */
  readonly contract: string
  /** What stands in front of the packing's format, where it would be that of another matrix. Default: nothing. */
  readonly formatPrefix?: string
  readonly supports: (problem: P) => true | string
  readonly entriesOf: (weights: W, problem: P) => Entries
}

/** Plain JavaScript, for weights of any layout. */
export function entriesKernel<P extends ProductProblem & { readonly nnz: number }, W>({
  operation,
  contract,
  formatPrefix = '',
  supports,
  entriesOf,
}: EntryView<P, W>): Kernel<P, W, ProductArguments> {
  return {
    name: `${contract}__js_panels`,
    operation,
    backend: 'js',
    variant: 'js_panels',
    types: { ...F32_TYPES, accumulator: 'f64' },
    format: `${formatPrefix}entries`,
    dense: false,
    supports(problem) {
      const { k, nnz } = problem
      const supported = supports(problem)
      if (supported !== true || (k <= LIMITS.columns && nnz <= LIMITS.entries)) return supported
      return `is for at most ${LIMITS.columns} columns and ${LIMITS.entries} entries, these are ${k} and ${nnz}`
    },
    runFeatures: ({ m, k, n, nnz }) => [1, nnz * n, k * n, m * n, nnz * Math.ceil(n / 7)],
    packFeatures: ({ nnz }) => [nnz],
    pack: (weights, problem) => new EntryPacking(entriesOf(weights, problem)),
    plan,
  }
}
