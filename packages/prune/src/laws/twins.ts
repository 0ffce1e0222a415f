import { describe, expectOptions, rangeError, typeError } from '@nnz/core'
import { countKept } from '../layer.ts'
import type { LayerWeights, PrunedLayer } from '../network.ts'

/** One of a population of models: its layers by name. */
export interface ZooModel<L extends LayerWeights = LayerWeights> {
  readonly name: string
  readonly layers: ReadonlyMap<string, L>
}

/** The sparse twin of a model. */
export interface SparseTwin {
  readonly name: string
  readonly layers: ReadonlyMap<string, PrunedLayer>
}

/**
 * One sparse twin for each model of a population (Honegger et al., sparsified model zoo twins, arXiv 2304.13718), one
 * after the other, so that no more than one has to be in memory.
 *
 * @param prune gives as many pruned layers as the model has, in their order
 * @throws RangeError if it does not
 */
export async function* sparseTwins<L extends LayerWeights>(
  models: Iterable<ZooModel<L>> | AsyncIterable<ZooModel<L>>,
  prune: (layers: readonly L[], model: ZooModel<L>) => readonly PrunedLayer[] | Promise<readonly PrunedLayer[]>,
): AsyncGenerator<SparseTwin> {
  for await (const model of models) {
    const pruned = await prune([...model.layers.values()], model)
    if (pruned.length !== model.layers.size)
      throw rangeError(
        'NNZ_SHAPE',
        `sparseTwins: ${model.name} has ${model.layers.size} layers, ${pruned.length} came back`,
      )
    yield { name: model.name, layers: new Map([...model.layers.keys()].map((name, i) => [name, pruned[i]])) }
  }
}

/**
 * Share of inputs for which two models predict the same class.
 *
 * @throws RangeError if there are not as many predictions of both, or none
 */
export function agreement(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length || a.length === 0)
    throw rangeError('NNZ_SHAPE', `agreement: expected as many predictions of both, got ${a.length} and ${b.length}`)
  let same = 0
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) same++
  return same / a.length
}

/** How two twins of one model differ in a layer. */
export interface LayerComparison {
  readonly name: string
  /** Share of zeros in the first one's mask and in the second one's. */
  readonly sparsities: readonly [number, number]
  /** Weights that both keep, as a share of those that one of them does; 1 if neither keeps any. */
  readonly overlap: number
}

/**
 * Compares two twins of one model layer by layer, for example by magnitude and by variational dropout.
 *
 * @throws RangeError if their layers differ
 */
export function compareTwins(a: SparseTwin, b: SparseTwin): LayerComparison[] {
  if (a.layers.size !== b.layers.size)
    throw rangeError('NNZ_SHAPE', `compareTwins: ${a.name} has ${a.layers.size} layers, ${b.name} has ${b.layers.size}`)
  return Array.from(a.layers, ([name, { mask }]) => {
    const other = b.layers.get(name)?.mask
    if (other?.length !== mask.length)
      throw rangeError(
        'NNZ_SHAPE',
        `compareTwins: ${b.name} has no layer ${JSON.stringify(name)} of ${mask.length} weights`,
      )
    let [both, either] = [0, 0]
    for (let i = 0; i < mask.length; i++) {
      both += mask[i] & other[i]
      either += mask[i] | other[i]
    }
    const sparsity = (of: Uint8Array) => (of.length === 0 ? 0 : 1 - countKept(of) / of.length)
    return { name, sparsities: [sparsity(mask), sparsity(other)], overlap: either === 0 ? 1 : both / either }
  })
}

/** Posterior of weights that were trained with variational dropout. */
export interface VariationalWeights {
  /** Means. */
  readonly means: ArrayLike<number>
  /** Logarithms of the variances. */
  readonly logVariances: ArrayLike<number>
}

/** Options of {@link variationalDropoutMask}. */
export interface VariationalDropoutOptions {
  /** Weights with a larger log α are noise. Default: 3, as in the paper. */
  readonly threshold?: number | undefined
}

/**
 * The mask of sparse variational dropout (Molchanov et al., arXiv 1701.05369): a weight is removed if the logarithm of
 * α = variance / mean² exceeds the threshold.
 *
 * @returns 1 for each weight that is kept, else 0
 * @throws TypeError or RangeError if the arrays do not fit, or a number is NaN
 */
export function variationalDropoutMask(
  weights: VariationalWeights,
  options: VariationalDropoutOptions = {},
): Uint8Array {
  expectOptions(weights, 'variationalDropoutMask')
  expectOptions(options, 'variationalDropoutMask')
  const { means, logVariances } = weights
  const { threshold = 3 } = options
  if (typeof means?.length !== 'number' || typeof logVariances?.length !== 'number')
    throw typeError('NNZ_TYPE', 'variationalDropoutMask: expected arrays of means and of logVariances')
  if (means.length !== logVariances.length)
    throw rangeError(
      'NNZ_SHAPE',
      `variationalDropoutMask: ${means.length} means and ${logVariances.length} logVariances`,
    )
  if (Number.isNaN(threshold))
    throw rangeError('NNZ_VALUE', `variationalDropoutMask: expected a threshold, got ${describe(threshold)}`)
  return Uint8Array.from(means, (mean, i) => {
    // A mean of 0 gives an infinite log α: such a weight is noise alone.
    const logAlpha = logVariances[i] - 2 * Math.log(Math.abs(mean))
    if (Number.isNaN(logAlpha))
      throw rangeError(
        'NNZ_VALUE',
        `variationalDropoutMask: expected numbers, got ${mean} and ${logVariances[i]} at ${i}`,
      )
    return logAlpha <= threshold ? 1 : 0
  })
}
