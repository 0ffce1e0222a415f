import { F32_TYPES, type Packing, type Runner, type Tensor } from '@nnz/core'
import type { SparseWeights } from '@nnz/spmm'
import { forEachEntry } from '../../entries.ts'
import type { SddmmProblem } from '../problem.ts'
import type { SddmmArguments, SddmmKernel } from './types.ts'

/** Rows and columns of the stored elements, and where their values stand. */
class EntryPacking implements Packing {
  readonly rows: Uint32Array
  readonly columns: Uint32Array
  readonly positions: Uint32Array

  constructor(pattern: SparseWeights) {
    const rows = new Uint32Array(pattern.values.length)
    const columns = new Uint32Array(pattern.values.length)
    const positions = new Uint32Array(pattern.values.length)
    let count = 0
    forEachEntry(pattern, (row, column, at) => {
      rows[count] = row
      columns[count] = column
      positions[count++] = at
    })
    this.rows = rows.subarray(0, count)
    this.columns = columns.subarray(0, count)
    this.positions = positions.subarray(0, count)
  }

  get bytes(): number {
    return this.rows.buffer.byteLength + this.columns.buffer.byteLength + this.positions.buffer.byteLength
  }

  updateValues(): void {}

  dispose(): void {}
}

/** Copies a matrix to rows without gaps. */
function copyRows({ data, shape, strides }: Tensor, target: Float64Array): void {
  const [rows, columns] = shape
  for (let row = 0, to = 0; row < rows; row++) {
    for (let column = 0, from = row * strides[0]; column < columns; column++, from += strides[1])
      target[to++] = data[from]
  }
}

/** Four sums at once: a chain of additions waits for each one before it. */
function dot(a: Float64Array, from: number, b: Float64Array, at: number, n: number): number {
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let i = 0
  for (; i + 4 <= n; i += 4) {
    s0 += a[from + i] * b[at + i]
    s1 += a[from + i + 1] * b[at + i + 1]
    s2 += a[from + i + 2] * b[at + i + 2]
    s3 += a[from + i + 3] * b[at + i + 3]
  }
  for (; i < n; i++) s0 += a[from + i] * b[at + i]
  return s0 + s1 + (s2 + s3)
}

function plan({ m, k, n: most }: SddmmProblem, packing: Packing): Runner<SddmmArguments> {
  const { rows, columns, positions } = packing as EntryPacking
  const left = new Float64Array(m * most)
  const right = new Float64Array(k * most)
  return {
    run({ a, b, out, scale, accumulate }) {
      const n = a.shape[1]
      copyRows(a, left)
      copyRows(b, right)
      if (!accumulate && positions.length < out.length) out.fill(0)
      for (let i = 0; i < positions.length; i++) {
        const at = positions[i]
        let value = dot(left, rows[i] * n, right, columns[i] * n, n)
        if (scale) value *= scale[at]
        out[at] = accumulate ? out[at] + value : value
      }
    },
  }
}

function row(layout: 'csr' | 'bsr'): SddmmKernel {
  return {
    name: `sddmm_${layout}_f32__js_dots`,
    operation: 'sddmm',
    backend: 'js',
    variant: 'js_dots',
    types: { ...F32_TYPES, accumulator: 'f64' },
    format: 'sddmm-entries',
    dense: false,
    supports: (problem) => problem.layout === layout || `is for ${layout} patterns, this is ${problem.layout}`,
    runFeatures: ({ m, k, n, nnz }) => [1, nnz * n, (m + k) * n, nnz],
    packFeatures: ({ nnz }) => [nnz],
    pack: (pattern) => new EntryPacking(pattern),
    plan,
  }
}

/** Plain JavaScript, for every layout. */
export const jsKernels: readonly SddmmKernel[] = [row('csr'), row('bsr')]
