import { describe, rangeError } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'
import { area, countOf, type Pattern, patternAt, positionsOf } from '../masks/pattern.ts'
import { highest, magnitudes } from '../masks/select.ts'
import { activeRows, fanInOf } from './condensed.ts'
import { expectKept, type Kept } from './methods.ts'
import { exchanged } from './steps.ts'

/** Options of {@link srigl}. */
export interface ConstantFanIn {
  /** Share of the kept entries that is exchanged, 0..1. */
  readonly fraction: number
  /** A neuron with fewer salient weights than this share of the fan-in is ablated. Default: 0.3. */
  readonly ablation?: number
}

/**
 * SRigL: RigL under constant fan-in (Lasby et al., "Dynamic sparse training with structured sparsity", arXiv
 * 2305.02299). Salient are the weights that RigL would keep or grow over the whole layer. Rows with too few of them are
 * ablated, and the others share the count: each keeps its largest magnitudes among what is not dropped, then grows its
 * largest gradients. The number of entries stays, so only so many rows are ablated as leave a number that divides it.
 *
 * @param gradient of the whole matrix, row-major
 * @throws RangeError if the pattern's active rows differ in their number of entries
 */
export function srigl(kept: Kept, gradient: ArrayLike<number>, options: ConstantFanIn): Pattern {
  expectArguments('srigl', { numbers: { gradient }, object: { options } })
  const { pattern, values } = expectKept(kept, 'srigl')
  const { fraction, ablation = 0.3 } = options
  const [rows, columns] = pattern.shape
  if (gradient.length !== area(pattern.shape))
    throw rangeError('NNZ_SHAPE', `srigl: expected ${area(pattern.shape)} gradients, got ${gradient.length}`)
  if (!(ablation >= 0 && ablation <= 1))
    throw rangeError('NNZ_VALUE', `srigl: expected ablation in 0..1, got ${describe(ablation)}`)
  const fanIn = fanInOf(pattern, 'srigl')
  const entries = countOf(pattern)
  if (entries === 0) return pattern
  // One order over the layer: what stays by magnitude comes before what may grow by gradient.
  const scores = magnitudes(gradient)
  const size = magnitudes(values)
  const largest = scores.reduce((most, slope) => Math.max(most, slope), 0)
  const stays = highest(size, entries - exchanged(pattern, fraction))
  const positions = positionsOf(pattern)
  const heaviest = size.reduce((most, value) => Math.max(most, value), 0) || 1
  const lift = largest || 1
  for (const entry of stays) scores[positions[entry]] = lift * (2 + size[entry] / heaviest)
  const salient = new Uint32Array(rows)
  for (const position of highest(scores, entries)) salient[Math.floor(position / columns)]++
  const wanted = salient.filter((count) => count > 0 && count >= ablation * fanIn).length
  const now = activeRows(pattern).length
  let active = Math.min(now, Math.max(wanted, Math.ceil(entries / columns)))
  while (entries % active !== 0) active++
  const chosen = new Uint32Array(entries)
  const width = entries / active
  highest(salient, active).forEach((row, i) => {
    const best = highest(scores.subarray(row * columns, (row + 1) * columns), width)
    for (let j = 0; j < width; j++) chosen[i * width + j] = row * columns + best[j]
  })
  return patternAt(pattern.shape, chosen)
}
