import type { Tensor } from '@nnz/core'
import { type Activation, ERROR_FACTOR, magnitudes, reference, type SparseWeights } from '@nnz/spmm'

const { fround } = Math
/** Unit roundoff of f32 and its smallest denormal. */
const U = 2 ** -24
const DENORMAL = 2 ** -149

/** What an operation must yield, row-major, and how far each element may be off. */
export interface Expectation {
  readonly values: Float64Array
  readonly bounds: Float64Array
}

/** Largest slope of each activation, and the error of its own evaluation in units of |result| and of |argument|. */
const ACTIVATION_ERROR: Record<Activation, { slope: number; ofResult: number; ofArgument: number }> = {
  none: { slope: 1, ofResult: 0, ofArgument: 0 },
  relu: { slope: 1, ofResult: 0, ofArgument: 0 },
  gelu: { slope: 1.13, ofResult: 6 * U, ofArgument: U },
  'gelu-tanh': { slope: 1.13, ofResult: 6 * U, ofArgument: U },
  silu: { slope: 1.1, ofResult: 6 * U, ofArgument: U },
  swiglu: { slope: 1.1, ofResult: 6 * U, ofArgument: U },
}

/** The plain f32 loop: its error is the yardstick. */
function plainLoop(w: SparseWeights, x: Tensor): { sums: Float32Array; counts: Uint32Array } {
  const [m, k] = w.shape
  const n = x.shape[1]
  const [r, c] = w.layout === 'bsr' ? w.blockShape : [1, 1]
  const sums = new Float32Array(m * n)
  const counts = new Uint32Array(m)
  for (let group = 0; group < w.rowOffsets.length - 1; group++) {
    for (let entry = w.rowOffsets[group]; entry < w.rowOffsets[group + 1]; entry++) {
      for (let i = 0; i < r * c; i++) {
        const row = group * r + Math.floor(i / c)
        const column = w.columnIndices[entry] * c + (i % c)
        if (row >= m || column >= k) continue
        counts[row]++
        const value = w.values[entry * r * c + i]
        for (let j = 0; j < n; j++)
          sums[row * n + j] = fround(sums[row * n + j] + fround(value * x.data[column * n + j]))
      }
    }
  }
  return { sums, counts }
}

/**
 * The reference and its bounds. `x` and `residual` are row-major without gaps.
 *
 * Bound of the sum, with S = Σ|w||x| + |bias| + |residual|: max(2 · e, c · u) · S, where e is the largest error of the
 * plain f32 loop, in units of its S, over the whole matrix (one element's error may be small by luck); and for results
 * among the denormals the smallest one per addend. An activation passes it on with its largest slope and adds its own error.
 */
export function expectation(
  w: SparseWeights,
  x: Tensor,
  activation: Activation = 'none',
  bias?: Float32Array,
  residual?: Tensor,
): Expectation {
  const n = x.shape[1]
  const gated = activation === 'swiglu'
  const early = gated ? undefined : residual
  const sums = reference(w, x, { bias, residual: early })
  const scale = magnitudes(w, x)
  const plain = plainLoop(w, x)
  let largest = 0
  for (let i = 0; i < sums.length; i++) {
    let loop = plain.sums[i]
    for (const addend of [bias?.[Math.floor(i / n)], early?.data[i]]) {
      if (addend === undefined) continue
      loop = fround(loop + addend)
      scale[i] += Math.abs(addend)
    }
    const among = (plain.counts[Math.floor(i / n)] + 2) * DENORMAL
    const error = Math.max(0, Math.abs(loop - sums[i]) - among) / scale[i]
    if (Number.isFinite(error)) largest = Math.max(largest, error)
    // An overflow on the way shows in the bound.
    else if (Number.isFinite(sums[i]) && !Number.isFinite(loop)) scale[i] = Number.POSITIVE_INFINITY
  }
  const factor = Math.max(2 * largest, ERROR_FACTOR * U)
  const bounds = scale.map((size, i) => factor * size + (plain.counts[Math.floor(i / n)] + 2) * DENORMAL)
  const values = reference(w, x, { bias, residual, activation })
  const { slope, ofResult, ofArgument } = ACTIVATION_ERROR[activation]
  if (!gated) {
    return {
      values,
      bounds: values.map(
        (value, i) => slope * bounds[i] + ofResult * Math.abs(value) + ofArgument * Math.min(Math.abs(sums[i]), 20),
      ),
    }
  }
  const half = values.length
  return {
    values,
    bounds: values.map((value, i) => {
      const added = residual?.data[i] ?? 0
      const gate = Math.abs(value - added) / Math.max(Math.abs(sums[half + i]), DENORMAL)
      const gateError = slope * bounds[i] + ofResult * gate + ofArgument * Math.min(Math.abs(sums[i]), 20)
      const other = Math.abs(sums[half + i])
      return (
        gateError * (other + bounds[half + i]) +
        gate * bounds[half + i] +
        2 * U * (Math.abs(value - added) + Math.abs(added)) +
        DENORMAL
      )
    }),
  }
}

const LARGEST = 3.4028234663852886e38

function isWithin(value: number, want: number, bound: number): boolean {
  if (Number.isNaN(want)) return Number.isNaN(value)
  if (!Number.isFinite(want)) return value === want
  // The plain f32 loop overflows on the way: so may every other one.
  if (!Number.isFinite(bound)) return true
  if (Math.abs(want) - bound > LARGEST) return value === Math.sign(want) * Number.POSITIVE_INFINITY
  return (
    Math.abs(value - want) <= bound ||
    (Math.abs(want) + bound > LARGEST && value === Math.sign(want) * Number.POSITIVE_INFINITY)
  )
}

/** The first element that is too far off, in words; undefined if none is. */
export function deviation(got: Float32Array, { values, bounds }: Expectation, columns: number): string | undefined {
  const i = values.findIndex((want, at) => !isWithin(got[at], want, bounds[at]))
  return i < 0
    ? undefined
    : `element [${Math.floor(i / columns)}, ${i % columns}]: expected ${values[i]} within ${bounds[i]}, got ${got[i]}`
}
