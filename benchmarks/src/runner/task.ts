import type { BenchProblem, BenchRecord, Contender } from '../records/index.ts'

/** The operands that change from run to run, in the order that the operation names: activations, or queries, keys and values. */
export type Inputs = readonly Float32Array[]

/** One point of the matrix, ready to be measured. */
export interface Task {
  /** The id of the point. */
  readonly id: string
  readonly operation: string
  readonly workload: BenchRecord['workload']
  readonly problem: BenchProblem
  /** Floating-point operations on what is stored or kept, and of the dense problem. */
  readonly flops: number
  readonly denseFlops: number
  /** Elements of the weights with their zeros; null where the operation has no weights. */
  readonly denseWeights: number | null
  /** Bytes that a run must read and write at least once. */
  bytes(method: Contender['method']): number
  /** The operands drawn from a seed: always the same numbers for one seed, others for another. */
  inputs(seed: number): Inputs
  /** What must come out. */
  expectationOf(inputs: Inputs): Expectation
}

/** What the right answer is on some elements of the output, and how far off one may be. */
export interface Expectation {
  /** Places in the output, which is one list: where an operation has several outputs, one after the other. */
  readonly indices: ArrayLike<number>
  readonly values: ArrayLike<number>
  /** The largest difference that counts as right, for each of them. */
  readonly bounds: ArrayLike<number>
  /** Rows of the output that are compared. */
  readonly rows: number
}

/** Unit roundoff of f32. */
export const UNIT_ROUNDOFF = 2 ** -24

/** How far an output is from what was expected. */
export function errorOf(
  { indices, values, bounds, rows }: Expectation,
  output: ArrayLike<number>,
): { maxAbs: number | null; rms: number | null; bound: number; rows: number; right: boolean } {
  let maxAbs = 0
  let squares = 0
  let right = true
  // The worst element relative to its own bound decides; the record states that element's figures.
  let worst = -1
  let bound = 0
  for (let i = 0; i < values.length; i++) {
    const difference = Math.abs(output[indices[i]] - values[i])
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
    rows,
    maxAbs: finite ? maxAbs : null,
    rms: finite ? Math.sqrt(squares / Math.max(1, values.length)) : null,
    bound,
    right,
  }
}
