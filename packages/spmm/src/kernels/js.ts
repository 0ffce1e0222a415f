import { F32_TYPES, type Packing, tensor } from '@nnz/core'
import type { SparseWeights, SpmmProblem } from '../problem.ts'
import { applyEpilogue, applyGate } from './activation-js.ts'
import { entriesOf, reorder } from './entries.ts'
import { packPanel, rowsTimesColumn, rowsTimesPanel4, rowsTimesPanel8 } from './loops-js.ts'
import type { SpmmArguments, SpmmKernel } from './types.ts'

class EntryPacking implements Packing {
  readonly rowOffsets: Uint32Array
  readonly columnIndices: Uint32Array
  readonly #order: Uint32Array | undefined
  readonly values: Float64Array

  constructor(w: SparseWeights) {
    const entries = entriesOf(w)
    this.rowOffsets = entries.rowOffsets
    this.columnIndices = entries.columnIndices
    this.#order = entries.order
    this.values = Float64Array.from(entries.values)
  }

  get bytes(): number {
    return (
      this.rowOffsets.byteLength +
      this.columnIndices.byteLength +
      this.values.byteLength +
      (this.#order?.byteLength ?? 0)
    )
  }

  updateValues(values: Float32Array): void {
    this.values.set(reorder(values, this.#order))
  }

  dispose(): void {}
}

/** y = w·x, any strides, panel by panel: eight columns at once, then four, then one. */
function multiply(packing: EntryPacking, panel: Float64Array, x: SpmmArguments['x'], y: SpmmArguments['y']): void {
  const [k, n] = x.shape
  const { rowOffsets, columnIndices, values } = packing
  const [rowStride, columnStride] = y.strides
  const target = y.data
  let column = 0
  for (const [width, rowsTimes] of [
    [8, rowsTimesPanel8],
    [4, rowsTimesPanel4],
    [1, rowsTimesColumn],
  ] as const) {
    for (; column + width <= n; column += width) {
      packPanel(x.data, x.strides[0], x.strides[1], k, column, width, panel)
      rowsTimes(rowOffsets, columnIndices, values, panel, target, column * columnStride, rowStride, columnStride)
    }
  }
}

function plan(problem: SpmmProblem, packing: Packing) {
  const entries = packing as EntryPacking
  const panel = new Float64Array(problem.k * Math.min(8, Math.max(1, problem.n)))
  const gated = problem.activation === 'swiglu' ? new Float32Array(problem.m * problem.n) : undefined
  return {
    run({ x, y, bias, residual }: SpmmArguments): void {
      if (!gated) {
        multiply(entries, panel, x, y)
        applyEpilogue(y, problem.activation, bias, residual)
        return
      }
      const n = x.shape[1]
      const product = tensor(gated.subarray(0, problem.m * n), [problem.m, n])
      multiply(entries, panel, x, product)
      applyEpilogue(product, 'none', bias, undefined)
      applyGate(product, y, residual)
    },
  }
}

function row(layout: 'csr' | 'bsr'): SpmmKernel {
  return {
    name: `spmm_${layout}_f32__js_panels`,
    operation: 'spmm',
    backend: 'js',
    variant: 'js_panels',
    types: F32_TYPES,
    format: 'entries',
    dense: false,
    supports: (problem) => problem.layout === layout || `is for ${layout} weights, these are ${problem.layout}`,
    runFeatures: ({ m, k, n, nnz }) => [1, nnz * n, k * n, m * n, nnz * Math.ceil(n / 8)],
    packFeatures: ({ nnz }) => [nnz],
    pack: (w) => new EntryPacking(w),
    plan,
  }
}

/** Plain JavaScript, for every layout. */
export const jsKernels: readonly SpmmKernel[] = [row('csr'), row('bsr')]
