import { F32_TYPES, finishPanel, type Packing, type Runner, reorder } from '@nnz/core'
import type { SparseWeights, SpmmProblem } from '../problem.ts'
import { entriesOf } from './entries.ts'
import { doubles, LIMITS, packPanel, rowsTimes1, rowsTimes2, rowsTimes4, rowsTimes7 } from './loops-js.ts'
import type { SpmmArguments, SpmmKernel } from './types.ts'

class EntryPacking implements Packing {
  readonly rowOffsets: Uint32Array
  readonly columnIndices: Uint32Array
  readonly values: number[]
  readonly #order: Uint32Array | undefined

  constructor(w: SparseWeights) {
    const entries = entriesOf(w)
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

function plan({ m, k, n, activation }: SpmmProblem, packing: Packing): Runner<SpmmArguments> {
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

function supports({ layout, k, nnz }: SpmmProblem, wanted: 'csr' | 'bsr'): true | string {
  if (layout !== wanted) return `is for ${wanted} weights, these are ${layout}`
  if (k > LIMITS.columns || nnz > LIMITS.entries) {
    return `is for at most ${LIMITS.columns} columns and ${LIMITS.entries} entries, these are ${k} and ${nnz}`
  }
  return true
}

function row(layout: 'csr' | 'bsr'): SpmmKernel {
  return {
    name: `spmm_${layout}_f32__js_panels`,
    operation: 'spmm',
    backend: 'js',
    variant: 'js_panels',
    types: { ...F32_TYPES, accumulator: 'f64' },
    format: 'entries',
    dense: false,
    supports: (problem) => supports(problem, layout),
    runFeatures: ({ m, k, n, nnz }) => [1, nnz * n, k * n, m * n, nnz * Math.ceil(n / 7)],
    packFeatures: ({ nnz }) => [nnz],
    pack: (w) => new EntryPacking(w),
    plan,
  }
}

/** Plain JavaScript, for every layout. */
export const jsKernels: readonly SpmmKernel[] = [row('csr'), row('bsr')]
