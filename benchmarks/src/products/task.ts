import { type Bsr, bsr, type Csr, csr, tensor } from '@nnz/core'
import { magnitudes, reference } from '@nnz/spmm'
import { seededActivations } from '../random.ts'
import { shuffled } from '../runner/shuffle.ts'
import { type Expectation, type Task, UNIT_ROUNDOFF } from '../runner/task.ts'
import { pointId } from '../runner/workload.ts'
import { materialise } from './materialise.ts'
import { type ProductWorkload, patternName } from './workload.ts'

/** Sparse weights [m, k] times activations [k, n]; the input is X and the output Y [m, n], both row-major. */
export interface ProductTask extends Task {
  readonly m: number
  readonly k: number
  readonly n: number
  readonly nnz: number
  /** The weights as single entries by row; made at first use. */
  csr(): Csr
  /** The weights with their zeros, row-major; made at first use. */
  dense(): Float32Array
}

/** A product whose weights are stored as single entries or blocks. */
export interface SpmmTask extends ProductTask {
  readonly weights: Csr | Bsr
}

/** Makes the task of a workload at a sparsity. */
export async function makeSpmmTask(workload: ProductWorkload, sparsity: number): Promise<SpmmTask> {
  const { weights } = await materialise(workload, sparsity)
  const indexBytes = weights.layout === 'csr' ? 2 * weights.nnz : 0
  const task = productTask(workload, {
    nnz: weights.nnz,
    sparseBytes: 4 * weights.nnz + indexBytes,
    layout: weights.layout === 'bsr' ? { layout: 'bsr', blockShape: [...weights.blockShape] } : { layout: 'csr' },
    csr: () => (weights.layout === 'csr' ? weights : bsr.toCsr(weights)),
  })
  return { ...task, weights }
}

/** What is particular to the layout of a product's weights. */
export interface ProductWeights {
  readonly nnz: number
  /** Bytes of values and indices. */
  readonly sparseBytes: number
  /** The fields of a record's problem that describe the layout. */
  readonly layout: Omit<Task['problem'], 'sparsity'>
  csr(): Csr
}

/** The task of a product, whatever the layout of its weights. */
export function productTask(workload: ProductWorkload, weights: ProductWeights): ProductTask {
  const { m, k, n, model, layer, source, phase, seed } = workload
  const { nnz } = weights
  const sparsity = 1 - nnz / (m * k)
  const id = pointId(workload, sparsity)
  const entries = once(weights.csr)
  return {
    id,
    operation: workload.operation,
    workload: { id, model, layer, source, phase, pattern: patternName(workload.pattern), seed },
    problem: { sparsity, m, k, n, nnz, ...weights.layout },
    flops: 2 * nnz * n,
    denseFlops: 2 * m * k * n,
    denseWeights: m * k,
    bytes: (method) => (method === 'dense' ? 4 * m * k : weights.sparseBytes) + 4 * n * (m + k),
    m,
    k,
    n,
    nnz,
    csr: entries,
    dense: once(() => csr.toDense(entries())),
    inputs: (drawn) => [seededActivations(k, n, drawn)],
    expectationOf: ([x]) => productExpectation(entries(), x, n),
  }
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** Products that the reference computes, at most: for larger problems it would take longer than the measurement. */
export const CHECKED_PRODUCTS = 2e7
const FEWEST_ROWS = 32

/**
 * The f64 reference for activations `x`, on all rows of the output, or of a large one on some drawn from a seed. A result is
 * right if it is within max(2 x error of the plain f32 loop, 8 u sum |w||x|) of it.
 */
export function productExpectation(weights: Csr, x: Float32Array, n: number): Expectation {
  const rows = checkedRows(weights, n)
  const some = selectRows(weights, rows)
  const activations = tensor(x, [weights.shape[1], n])
  const values = reference(some, activations)
  const scale = magnitudes(some, activations)
  const plain = plainProduct(some, x, n)
  const bounds = values.map((value, i) => Math.max(2 * Math.abs(plain[i] - value), 8 * UNIT_ROUNDOFF * scale[i]))
  const indices = Uint32Array.from(values, (_, i) => rows[Math.floor(i / n)] * n + (i % n))
  return { indices, values, bounds, rows: rows.length }
}

/** Ascending; the first and the last row are always among them. */
function checkedRows({ nnz, shape: [m] }: Csr, n: number): number[] {
  const all = Array.from({ length: m }, (_, row) => row)
  const products = nnz * n
  if (products <= CHECKED_PRODUCTS || m <= FEWEST_ROWS) return all
  const count = Math.max(FEWEST_ROWS, Math.floor((m * CHECKED_PRODUCTS) / products))
  const drawn = shuffled(1)(all.slice(1, -1)).slice(0, count - 2)
  return [0, ...drawn, m - 1].sort((a, b) => a - b)
}

/** The chosen rows as a matrix of their own. */
function selectRows(weights: Csr, rows: readonly number[]): Csr {
  const { rowOffsets, columnIndices, values, shape } = weights
  if (rows.length === shape[0]) return weights
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
    shape: [rows.length, shape[1]],
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
