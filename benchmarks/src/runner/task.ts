import { type Bsr, bsr, type Csr, csr, tensor } from '@nnz/core'
import { magnitudes, reference } from '@nnz/spmm'
import { materialise, pointId, type Workload } from '../workloads/index.ts'
import { shuffled } from './shuffle.ts'

/** One point of the matrix, ready to be measured: sparse weights [m, k] times activations [k, n]. */
export interface Task {
  /** The id of the point. */
  readonly id: string
  readonly workload: Workload
  readonly weights: Csr | Bsr
  /** Share of elements that are not stored. */
  readonly sparsity: number
  readonly m: number
  readonly k: number
  readonly n: number
  /** X [k, n], row-major, for timing. */
  readonly x: Float32Array
  /** The weights with their zeros, row-major; made at first use. */
  dense(): Float32Array
}

/** Makes the task of a workload at a sparsity. */
export async function makeTask(workload: Workload, sparsity: number): Promise<Task> {
  const operands = await materialise(workload, sparsity)
  const { weights } = operands
  let dense: Float32Array | undefined
  return {
    id: pointId(workload, operands.sparsity),
    workload,
    weights,
    sparsity: operands.sparsity,
    m: workload.m,
    k: workload.k,
    n: workload.n,
    x: operands.activations(),
    dense() {
      dense ??= weights.layout === 'csr' ? csr.toDense(weights) : bsr.toDense(weights)
      return dense
    },
  }
}

/** Products that the reference computes, at most: for larger problems it would take longer than the measurement. */
const CHECKED_PRODUCTS = 2e7
const FEWEST_ROWS = 32

/** What the right answer is on some rows, and how far off one may be. */
export interface Expectation {
  readonly rows: readonly number[]
  readonly n: number
  /** Values and bounds of the rows, one after the other. */
  readonly values: Float64Array
  readonly bounds: Float64Array
}

/** Unit roundoff of f32. */
const U = 2 ** -24

/**
 * The f64 reference of a task for activations `x`, on all rows of the output, or of a large one on some drawn from a seed. A
 * result is right if it is within max(2 x error of the plain f32 loop, 8 u sum |w||x|) of it.
 */
export function expectationOf(task: Task, x: Float32Array): Expectation {
  const rows = checkedRows(task)
  const some = selectRows(task, rows)
  const activations = tensor(x, [task.k, task.n])
  const values = reference(some, activations)
  const scale = magnitudes(some, activations)
  const plain = plainProduct(some, x, task.n)
  const bounds = values.map((value, i) => Math.max(2 * Math.abs(plain[i] - value), 8 * U * scale[i]))
  return { rows, n: task.n, values, bounds }
}

/** Ascending; the first and the last row are always among them. */
function checkedRows({ m, n, weights }: Task): number[] {
  const all = Array.from({ length: m }, (_, row) => row)
  const products = weights.nnz * n
  if (products <= CHECKED_PRODUCTS || m <= FEWEST_ROWS) return all
  const count = Math.max(FEWEST_ROWS, Math.floor((m * CHECKED_PRODUCTS) / products))
  const drawn = shuffled(1)(all.slice(1, -1)).slice(0, count - 2)
  return [0, ...drawn, m - 1].sort((a, b) => a - b)
}

/** The chosen rows as a CSR matrix of their own. */
function selectRows({ weights, k, dense }: Task, rows: readonly number[]): Csr {
  if (weights.layout !== 'csr') {
    const full = dense()
    const picked = new Float32Array(rows.length * k)
    rows.forEach((row, i) => {
      picked.set(full.subarray(row * k, (row + 1) * k), i * k)
    })
    return csr.fromDense(picked, [rows.length, k])
  }
  if (rows.length === weights.shape[0]) return weights
  const { rowOffsets, columnIndices, values } = weights
  const offsets = [0]
  const indices: number[] = []
  const picked: number[] = []
  for (const row of rows) {
    for (let i = rowOffsets[row]; i < rowOffsets[row + 1]; i++) {
      indices.push(columnIndices[i])
      picked.push(values[i])
    }
    offsets.push(indices.length)
  }
  return csr({
    shape: [rows.length, k],
    rowOffsets: offsets,
    columnIndices: indices,
    values: Float32Array.from(picked),
  })
}

/** The plain loop in f32: what the error of a kernel is measured by. */
function plainProduct({ rowOffsets, columnIndices, values }: Csr, x: Float32Array, n: number): Float32Array {
  const y = new Float32Array((rowOffsets.length - 1) * n)
  for (let row = 0; row < rowOffsets.length - 1; row++) {
    for (let i = rowOffsets[row]; i < rowOffsets[row + 1]; i++) {
      for (let j = 0; j < n; j++) y[row * n + j] += Math.fround(values[i] * x[columnIndices[i] * n + j])
    }
  }
  return y
}

/** How far an output [m, n] is from what was expected. */
export function errorOf(
  expected: Expectation,
  output: ArrayLike<number>,
): { maxAbs: number | null; rms: number | null; bound: number; rows: number; right: boolean } {
  const { rows, n, values, bounds } = expected
  let maxAbs = 0
  let squares = 0
  let right = true
  // The worst element relative to its own bound decides; the record states that element's figures.
  let worst = -1
  let bound = bounds.reduce((most, value) => Math.max(most, value), 0)
  for (let i = 0; i < values.length; i++) {
    const difference = Math.abs(output[rows[Math.floor(i / n)] * n + (i % n)] - values[i])
    squares += difference * difference
    if (!(difference <= bounds[i])) right = false
    const share = bounds[i] === 0 ? (difference === 0 ? 0 : Number.POSITIVE_INFINITY) : difference / bounds[i]
    if (!(share <= worst)) {
      worst = share
      maxAbs = difference
      bound = bounds[i]
    }
  }
  const finite = Number.isFinite(maxAbs) && Number.isFinite(squares)
  return {
    rows: rows.length,
    maxAbs: finite ? maxAbs : null,
    rms: finite ? Math.sqrt(squares / Math.max(1, values.length)) : null,
    bound,
    right,
  }
}
