import { describe, rangeError } from '@nnz/core'
import { expectLayer } from '../layer.ts'
import { magnitude } from '../methods/magnitude.ts'
import { type MaskOptions, maskOptions } from '../methods/options.ts'
import type { LayerWeights, PrunedLayer } from '../network.ts'
import type { LayerStatistics } from '../statistics/collector.ts'
import { alternate } from './alternate.ts'
import { type Choice, choiceColumns, chooserOf } from './choice.ts'
import { eliminate } from './eliminate.ts'
import { expectGram, type Hessian, hessianOf } from './hessian.ts'
import { outputError } from './output-error.ts'
import { type QuantiseChoice, type QuantisedWeights, Quantiser } from './quantiser.ts'
import { refine } from './refine.ts'

/** Options of {@link sparsegpt}. */
export interface SparsegptOptions extends MaskOptions {
  /** Columns after which later ones are updated, by one product: speed, and the order of rounding. Default: 128. */
  readonly blockSize?: number | undefined
  /** Added to the diagonal of the Gram matrix, as a share of the diagonal's mean. Default: 0.01. */
  readonly damping?: number | undefined
  /** Look for a better mask and for the best weights under it: see {@link RefineOptions}. Default: false. */
  readonly refine?: boolean | RefineOptions | undefined
  /** Round kept weights to 4 or 8 bits in the same walk, so that later weights compensate rounding, too. */
  readonly quantise?: QuantiseChoice | undefined
}

/** How {@link sparsegpt} refines: a third to a half less error on the calibration data for several times the time. */
export interface RefineOptions {
  /** Rounds of alternating minimisation for each of four penalties, which move the mask. Default: 6. */
  readonly rounds?: number | undefined
  /** Steps of conjugate gradients, which move the weights under the mask. Default: 15. */
  readonly steps?: number | undefined
}

/** What {@link sparsegpt} gives. */
export interface SparsegptLayer extends PrunedLayer {
  /** Squared error of the output on the calibration data as a share of the output's square. */
  readonly error: number
  /** With `quantise`: the whole numbers and scales whose products the weights are. */
  readonly quantised?: QuantisedWeights | undefined
}

interface Settings {
  readonly choice: Choice
  readonly blockSize: number
  readonly refinement: Required<RefineOptions> | undefined
}

/**
 * Prunes a layer so that its output on the calibration data changes least, and updates what is kept (SparseGPT, arXiv
 * 2301.00774): columns from left to right, where those to the right make up for what a removal changes, as the inverse of
 * the Gram matrix tells.
 *
 * Other than in the paper, masks are chosen for 8 columns at once, and how many weights these keep follows from the
 * saliencies of the whole layer instead of being the same for each 128 columns. N:M patterns choose for each m columns.
 * Units of several entries (grouped N:M, blocks, column vectors) are compared by the sum of their entries' saliencies.
 *
 * The number of kept weights is exact. Inputs that were 0 for every token get the weight 0. The error is never above that
 * of {@link magnitude} unless weights are rounded: where it would be, which few tokens can cause, the mask is magnitude's.
 *
 * @param statistics with the Gram matrix, of {@link StatisticsCollector}
 * @throws TypeError or RangeError if the layer, the statistics or an option do not fit
 * @throws BackendUnavailableError where compiling WebAssembly is forbidden (see {@link loadLinearAlgebra})
 */
export function sparsegpt(layer: LayerWeights, statistics: LayerStatistics, options: SparsegptOptions): SparsegptLayer {
  expectLayer(layer, 'sparsegpt')
  const settings = settingsOf(layer, options)
  const { rows, columns, weights } = layer
  const gram = expectGram(statistics, columns, 'sparsegpt')
  const hessian = hessianOf(statistics, columns, options.damping ?? 0.01, 'sparsegpt')
  const target = weights.map((weight, i) => (hessian.dead[i % columns] === 0 ? weight : 0))
  const measured = ({ weights, mask }: PrunedLayer): SparsegptLayer => ({
    weights,
    mask,
    error: outputError(target, weights, rows, columns, gram),
  })
  const rounded = (from: Float32Array, mask?: Uint8Array): SparsegptLayer => {
    const quantiser = new Quantiser(options.quantise!, rows, columns, 'sparsegpt')
    return { ...measured(walk(from, hessian, settings, { quantiser, mask })), quantised: quantiser.result }
  }
  if (!options.quantise) return unrounded(target, hessian, settings, measured)
  const joint = rounded(target)
  if (!settings.refinement) return joint
  const refined = unrounded(target, hessian, settings, measured)
  const later = rounded(refined.weights, refined.mask)
  return later.error < joint.error ? later : joint
}

/** The best of what a walk, its refinement and magnitude give, none of it rounded. */
function unrounded(
  target: Float32Array,
  hessian: Hessian,
  settings: Settings,
  measured: (pruned: PrunedLayer) => SparsegptLayer,
): SparsegptLayer {
  const { choice, refinement } = settings
  const { rounds, steps } = refinement ?? DEFAULTS
  let best = measured(walk(target, hessian, settings, {}))
  const improve = (pruned: PrunedLayer) => {
    refine(target, pruned.weights, pruned.mask, choice.rows, hessian, steps)
    const candidate = measured(pruned)
    if (candidate.error < best.error) best = candidate
  }
  if (refinement) {
    const walked = best
    if (rounds > 0) improve(alternate(target, walked, choice, hessian, rounds))
    if (best === walked) improve({ mask: walked.mask, weights: walked.weights.slice() })
  }
  const plain = measured(magnitude({ weights: target, rows: choice.rows, columns: hessian.columns }, choice))
  if (plain.error < best.error) {
    best = plain
    improve({ mask: plain.mask, weights: plain.weights.slice() })
  }
  return best
}

const DEFAULTS: Required<RefineOptions> = { rounds: 6, steps: 15 }

/** One walk along the columns from weights, under a mask or choosing it. */
function walk(
  from: Float32Array,
  hessian: Hessian,
  { choice, blockSize }: Settings,
  { quantiser, mask }: { quantiser?: Quantiser | undefined; mask?: Uint8Array | undefined },
): PrunedLayer {
  const pruned = { weights: from.slice(), mask: mask ?? new Uint8Array(from.length) }
  eliminate(pruned.weights, pruned.mask, choice.rows, hessian, {
    blockSize,
    choiceSize: choiceColumns(choice.pattern),
    choose: mask ? () => {} : chooserOf(from, hessian, choice),
    quantiser,
  })
  return pruned
}

function settingsOf(layer: LayerWeights, options: SparsegptOptions): Settings {
  const { pattern, kept } = maskOptions(layer, options, 'sparsegpt')
  const { blockSize = 128, damping = 0.01, refine: wanted = false, scope = 'layer' } = options
  const whole = (value: unknown, least: number, key: string) => {
    if (!Number.isInteger(value) || (value as number) < least)
      throw rangeError(
        'NNZ_VALUE',
        `sparsegpt: expected ${key} to be a whole number from ${least} on, got ${describe(value)}`,
      )
    return value as number
  }
  whole(blockSize, 1, 'blockSize')
  if (!(damping >= 0 && damping < Number.POSITIVE_INFINITY))
    throw rangeError('NNZ_VALUE', `sparsegpt: expected damping to be a number from 0 on, got ${describe(damping)}`)
  const refinement = wanted === true ? DEFAULTS : wanted ? { ...DEFAULTS, ...wanted } : undefined
  if (refinement) {
    whole(refinement.rounds, 0, 'refine.rounds')
    whole(refinement.steps, 0, 'refine.steps')
  }
  const columns = choiceColumns(pattern)
  return {
    choice: { rows: layer.rows, pattern, kept, scope },
    blockSize: Math.max(1, Math.round(blockSize / columns)) * columns,
    refinement,
  }
}
