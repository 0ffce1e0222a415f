import { describe, expectOptions, rangeError, typeError } from '@nnz/core'
import { expectSparsity } from '../methods/options.ts'
import type { PrunableLayer } from '../network.ts'
import { type Pattern, patternName, unitsOf } from '../pattern/pattern.ts'
import type { Scope } from '../pattern/select.ts'
import type { QuantiseChoice, QuantisedWeights } from '../sparsegpt/quantiser.ts'
import type { RefineOptions } from '../sparsegpt/sparsegpt.ts'
import type { LayerReport } from './report.ts'

/** How weights are chosen. */
export type Method = 'magnitude' | 'wanda' | 'sparsegpt' | 'dsnot'

/**
 * How kept weights are divided among layers, always with the exact total:
 * - `uniform`: the same share of each;
 * - `erk`: small layers lose less ({@link countsByShape});
 * - `global`: the largest magnitudes of all layers together say how many each keeps ({@link countsByMagnitude});
 * - `sensitivity`: each layer's output error is measured at some sparsities first, which takes one more pass of the
 *   calibration data ({@link countsBySensitivity});
 * - a sparsity for each layer by its name.
 */
export type Allocation = 'uniform' | 'erk' | 'global' | 'sensitivity' | Readonly<Record<string, number>>

/** Told after each layer. */
export interface PruneProgress {
  /** Layers that are finished, this one included. */
  readonly done: number
  readonly total: number
  readonly layer: LayerReport
}

/** Options of {@link pruneNetwork}. */
export interface PruneOptions {
  readonly method: Method
  /** Default: unstructured. */
  readonly pattern?: Pattern | undefined
  /** Share of zeros over all layers; `nm` and `grouped-nm` have theirs already. */
  readonly sparsity?: number | undefined
  /** Default: `uniform`; patterns of a fixed sparsity know no other. */
  readonly allocation?: Allocation | undefined
  /** Among what scores are compared. Default: `row` for `wanda` and `dsnot`, else `layer`. */
  readonly scope?: Scope | undefined
  /** Which layers are pruned; the others stay as they are and are not counted. Default: all. */
  readonly select?: ((layer: PrunableLayer) => boolean) | undefined
  /** For `sparsegpt`: kept weights are rounded together with pruning, so that later ones make up for it. */
  readonly quantise?: QuantiseChoice | undefined
  /** For `sparsegpt`: look for better masks, and for the best weights under them; it takes several times as long. */
  readonly refine?: boolean | RefineOptions | undefined
  /** For `sparsegpt`: added to the diagonal of the Gram matrix, as a share of its mean. Default: 0.01. */
  readonly damping?: number | undefined
  /** Whether output errors are measured, for which `magnitude` streams the calibration data, too. Default: true. */
  readonly measure?: boolean | undefined
  /** Layers that an earlier call pruned, by name: they are taken as they are. */
  readonly finished?: ReadonlyMap<string, Float32Array> | undefined
  /** Called after each layer that this call pruned, with whole numbers and scales if it was quantised; awaited. */
  readonly onLayer?:
    | ((layer: LayerReport, weights: Float32Array, quantised: QuantisedWeights | undefined) => void | Promise<void>)
    | undefined
  readonly onProgress?: ((progress: PruneProgress) => void) | undefined
}

const METHODS: readonly Method[] = ['magnitude', 'wanda', 'sparsegpt', 'dsnot']
const RULES = ['uniform', 'erk', 'global', 'sensitivity']

/** Options with what was left out. */
export interface CheckedOptions extends PruneOptions {
  readonly pattern: Pattern
  readonly allocation: Allocation
  readonly measure: boolean
}

/**
 * Checks options.
 *
 * @throws TypeError or RangeError that names the wrong one
 */
export function checkOptions(options: PruneOptions): CheckedOptions {
  expectOptions(options, 'pruneNetwork')
  const { method, pattern = { kind: 'unstructured' }, sparsity, allocation = 'uniform', measure = true } = options
  if (!METHODS.includes(method))
    throw rangeError(
      'NNZ_VALUE',
      `pruneNetwork: expected method to be one of ${METHODS.join(', ')}, got ${describe(method)}`,
    )
  const fixed = unitsOf(pattern, 'pruneNetwork').nm !== undefined
  if (
    typeof allocation === 'string' ? !RULES.includes(allocation) : typeof allocation !== 'object' || allocation === null
  )
    throw rangeError(
      'NNZ_VALUE',
      `pruneNetwork: expected allocation to be one of ${RULES.join(', ')}, or sparsities by layer, got ${describe(allocation)}`,
    )
  if (fixed && allocation !== 'uniform')
    throw rangeError(
      'NNZ_VALUE',
      `pruneNetwork: ${patternName(pattern)} has one sparsity in all layers: allocation must be uniform`,
    )
  if (fixed || typeof allocation === 'object') {
    if (sparsity !== undefined)
      throw rangeError(
        'NNZ_VALUE',
        `pruneNetwork: sparsity is given by the ${fixed ? 'pattern' : 'allocation'}, leave it out`,
      )
  } else expectSparsity(sparsity, 'pruneNetwork')
  for (const key of ['quantise', 'refine', 'damping'] as const)
    if (options[key] !== undefined && method !== 'sparsegpt')
      throw rangeError('NNZ_VALUE', `pruneNetwork: ${key} is for sparsegpt, got method ${method}`)
  if (method === 'dsnot' && pattern.kind !== 'unstructured' && pattern.kind !== 'nm')
    throw rangeError('NNZ_VALUE', `pruneNetwork: dsnot takes unstructured and nm patterns, got ${pattern.kind}`)
  for (const key of ['select', 'onLayer', 'onProgress'] as const) {
    if (options[key] !== undefined && typeof options[key] !== 'function')
      throw typeError('NNZ_TYPE', `pruneNetwork: expected ${key} to be a function, got ${describe(options[key])}`)
  }
  return { ...options, pattern, allocation, measure }
}
