import { rangeError } from '@nnz/core'
import { type PrunableNetwork, type PruneOptions, type PruneReport, pruneNetwork } from '@nnz/prune'

/** How a model is pruned while it is loaded. */
export interface LoadPruning extends Partial<PruneOptions> {
  readonly calibration?: readonly string[] | undefined
}

/**
 * Prunes a model where the options say to what: by `sparsegpt` with calibration, else by `magnitude`.
 *
 * @param name the call, in errors
 * @throws RangeError where a method needs texts and there are none, or an option is out of range
 */
export async function prune(
  model: { prunable(calibration: readonly string[]): PrunableNetwork },
  { calibration = [], ...options }: LoadPruning,
  name: string,
): Promise<PruneReport | undefined> {
  const { sparsity, pattern, method = calibration.length > 0 ? 'sparsegpt' : 'magnitude' } = options
  if (sparsity === undefined && pattern === undefined && options.method === undefined) return undefined
  if (method !== 'magnitude' && calibration.length === 0)
    throw rangeError('NNZ_VALUE', `${name}: method "${method}" chooses weights by what texts need: give calibration`)
  const measure = calibration.length > 0
  return pruneNetwork(model.prunable(calibration), { measure, ...options, method })
}
