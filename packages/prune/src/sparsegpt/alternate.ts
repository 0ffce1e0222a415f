import { gemm, tensor } from '@nnz/core'
import { inverseFactor } from '../linear-algebra/index.ts'
import type { PrunedLayer } from '../network.ts'
import { selectMask } from '../pattern/select.ts'
import type { Choice } from './choice.ts'
import type { Hessian } from './hessian.ts'
import { timesSymmetric } from './output-error.ts'

/** How much being sparse weighs against the output, one after the other: the mask moves freely first and settles last. */
const PENALTIES = [0.03, 0.1, 0.3, 1]

/**
 * Looks for a better mask by the alternating direction method of multipliers (for pruning: arXiv 2401.02938 and, with
 * penalties that rise, ALPS, arXiv 2406.07831): weights that reproduce the output, drawn towards sparse ones, and the
 * sparse ones nearest to them, in turn, until both agree. Inputs are scaled so that the Hessian's diagonal is 1.
 *
 * @param target weights before pruning, [rows, columns]
 * @param from sparse weights to begin with
 * @param rounds products with the inverse for each of four penalties
 */
export function alternate(
  target: Float32Array,
  from: PrunedLayer,
  choice: Choice,
  hessian: Hessian,
  rounds: number,
): PrunedLayer {
  const { columns } = hessian
  const { rows } = choice
  const scales = Float32Array.from({ length: columns }, (_, i) => Math.sqrt(hessian.damped[i * columns + i]))
  const scaled = hessian.damped.map((value, i) => value / (scales[i % columns] * scales[Math.floor(i / columns)]))
  const byScale = (weights: Float32Array) => weights.map((weight, i) => weight * scales[i % columns])
  const wanted = timesSymmetric(byScale(target), scaled, rows, columns)
  const sparse = byScale(from.weights)
  let mask = from.mask
  /** What dense and sparse weights disagreed about so far. */
  const drift = new Float32Array(sparse.length)
  const sizes = new Float32Array(sparse.length)
  for (const [phase, penalty] of PENALTIES.entries()) {
    const inverse = dampedInverse(scaled, columns, penalty)
    if (phase > 0) for (let i = 0; i < drift.length; i++) drift[i] *= PENALTIES[phase - 1] / penalty
    for (let round = 0; round < rounds; round++) {
      const drawn = wanted.map((value, i) => value + penalty * (sparse[i] - drift[i]))
      const dense = timesSymmetric(drawn, inverse, rows, columns)
      for (let i = 0; i < drift.length; i++) {
        drift[i] += dense[i]
        sizes[i] = Math.abs(drift[i])
      }
      mask = selectMask(sizes, rows, columns, choice)
      for (let i = 0; i < drift.length; i++) {
        sparse[i] = mask[i] === 0 ? 0 : drift[i]
        drift[i] -= sparse[i]
      }
    }
  }
  return { weights: sparse.map((weight, i) => weight / scales[i % columns]), mask }
}

/** (matrix + penalty · 1)⁻¹. f32 is exact enough for the products: the factor is what needs f64. */
function dampedInverse(matrix: Float32Array, n: number, penalty: number): Float32Array {
  const damped = Float64Array.from(matrix)
  for (let i = 0; i < damped.length; i += n + 1) damped[i] += penalty
  const factor = Float32Array.from(inverseFactor(damped, n)!)
  return gemm(tensor(factor, [n, n], { strides: [1, n] }), tensor(factor, [n, n])).data
}
