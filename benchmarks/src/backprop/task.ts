import { type Csr, csc, csr } from '@nnz/core'
import { materialise } from '../products/materialise.ts'
import { CHECKED_PRODUCTS, productExpectation } from '../products/task.ts'
import { type ProductWorkload, patternName } from '../products/workload.ts'
import { seededActivations } from '../random.ts'
import { type Expectation, type Inputs, type Task, UNIT_ROUNDOFF } from '../runner/task.ts'
import { pointId } from '../runner/workload.ts'

/**
 * The gradients of a product y = w·x. Inputs are x [k, n] and dy [m, n], row-major. The output of `sddmm` is dW at the stored
 * entries, that of `backprop` dX [k, n] and then dW.
 */
export interface GradientTask extends Task {
  readonly weights: Csr
  readonly m: number
  readonly k: number
  readonly n: number
  /** The weights with their zeros, row-major. */
  dense(): Float32Array
}

/** Makes the task of a workload at a sparsity. */
export async function makeGradientTask(workload: ProductWorkload, wanted: number): Promise<GradientTask> {
  const { m, k, n, model, layer, source, phase, seed, operation, pattern } = workload
  const { weights, sparsity } = await materialise(workload, wanted)
  if (weights.layout !== 'csr') throw new RangeError(`${workload.id}: expected csr weights, got ${weights.layout}`)
  const id = pointId(workload, sparsity)
  const both = operation === 'backprop'
  const { nnz } = weights
  return {
    id,
    operation,
    workload: { id, model, layer, source, phase, pattern: patternName(pattern), seed },
    problem: { sparsity, m, k, n, nnz, layout: 'csr' },
    flops: (both ? 4 : 2) * nnz * n,
    denseFlops: (both ? 4 : 2) * m * k * n,
    denseWeights: m * k,
    bytes(method) {
      const values = method === 'dense' ? 4 * m * k : 4 * nnz
      const indices = method === 'dense' ? 0 : 2 * nnz
      // sddmm: x, dy, indices and dW; backprop also w and dX.
      return 4 * n * (m + k) + indices + values + (both ? values + 4 * n * k : 0)
    },
    weights,
    m,
    k,
    n,
    dense: () => csr.toDense(weights),
    inputs: (drawn) => [seededActivations(k, n, 2 * drawn), seededActivations(m, n, 2 * drawn + 1)],
    expectationOf: (inputs) =>
      both
        ? joined(inputGradient(weights, inputs, n), valueGradient(weights, inputs, n, k * n))
        : valueGradient(weights, inputs, n, 0),
  }
}

function inputGradient(weights: Csr, [, dy]: Inputs, n: number): Expectation {
  const { columnOffsets, rowIndices, values, shape } = csc.fromCsr(weights)
  const transposed = csr({ shape: [shape[1], shape[0]], rowOffsets: columnOffsets, columnIndices: rowIndices, values })
  return productExpectation(transposed, dy, n)
}

/** dW on all entries, or every so many-th of them, in f64; `start` is where it begins in the output. */
function valueGradient(
  { rowOffsets, columnIndices, nnz }: Csr,
  [x, dy]: Inputs,
  n: number,
  start: number,
): Expectation {
  // A prime, so that all places in a row get their turn.
  const step = nnz * n <= CHECKED_PRODUCTS ? 1 : 97
  const indices: number[] = []
  const values: number[] = []
  const bounds: number[] = []
  for (let row = 0; row < rowOffsets.length - 1; row++) {
    for (let entry = rowOffsets[row]; entry < rowOffsets[row + 1]; entry++) {
      if (entry % step !== 0) continue
      let sum = 0
      let magnitude = 0
      let plain = 0
      for (let i = 0; i < n; i++) {
        const product = dy[row * n + i] * x[columnIndices[entry] * n + i]
        sum += product
        magnitude += Math.abs(product)
        plain = Math.fround(plain + Math.fround(product))
      }
      indices.push(start + entry)
      values.push(sum)
      bounds.push(Math.max(2 * Math.abs(plain - sum), 8 * UNIT_ROUNDOFF * magnitude))
    }
  }
  return { indices, values, bounds, rows: rowOffsets.length - 1 }
}

function joined(a: Expectation, b: Expectation): Expectation {
  const both = (of: 'indices' | 'values' | 'bounds') => [...Array.from(a[of]), ...Array.from(b[of])]
  return { indices: both('indices'), values: both('values'), bounds: both('bounds'), rows: a.rows + b.rows }
}
