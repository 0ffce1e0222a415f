import { rangeError } from '@nnz/core'
import { dsnot } from '../methods/dsnot.ts'
import { magnitude } from '../methods/magnitude.ts'
import { wanda } from '../methods/wanda.ts'
import type { LayerWeights, PrunedLayer } from '../network.ts'
import type { QuantisedWeights } from '../sparsegpt/quantiser.ts'
import { sparsegpt } from '../sparsegpt/sparsegpt.ts'
import type { LayerStatistics } from '../statistics/collector.ts'
import type { CheckedOptions, Method } from './options.ts'

/** What each method has to know of inputs. */
export const STATISTICS: Readonly<Record<Method, 'norms' | 'gram' | undefined>> = {
  magnitude: undefined,
  wanda: 'norms',
  sparsegpt: 'gram',
  dsnot: 'gram',
}

/**
 * Prunes one layer.
 *
 * @param kept entries that are kept; not regarded by patterns that say so themselves
 */
export function pruneLayer(
  layer: LayerWeights & { readonly name: string },
  statistics: LayerStatistics | undefined,
  kept: number,
  options: CheckedOptions,
): PrunedLayer & { readonly quantised?: QuantisedWeights | undefined } {
  const { method, pattern, scope, quantise, refine, damping } = options
  const mask = { pattern, kept, scope }
  if (method === 'magnitude') return magnitude(layer, mask)
  if (!statistics || statistics.tokens === 0)
    throw rangeError('NNZ_VALUE', `pruneNetwork: ${layer.name}: ${method} needs inputs, the network told of none`)
  if (method === 'sparsegpt') return sparsegpt(layer, statistics, { ...mask, quantise, refine, damping })
  const chosen = wanda(layer, statistics, mask)
  if (method === 'wanda') return chosen
  return dsnot(layer, chosen.mask, statistics, pattern.kind === 'nm' ? { within: pattern.m } : {})
}
