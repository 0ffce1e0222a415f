import { attention } from '@nnz/attention'
import type { Tensor } from '@nnz/core'
import type { AttentionInputs, Hooks } from '@nnz/models'
import type { QualityRecord } from '../records/index.ts'
import { allPairs, chooseAt, type Selector, selectors } from './selectors.ts'

/** What is judged. */
export interface AttentionEvidenceOptions {
  readonly model: string
  /** Computes the network on one long sequence. */
  readonly run: (hooks: Hooks) => void
  /** Which layers are looked at. */
  readonly layers: readonly number[]
  /** What the sequence is. */
  readonly data: string
  readonly blockShape: readonly number[]
  readonly sparsities: readonly number[]
  readonly seed: number
  readonly selectors?: readonly Selector[]
  readonly onProgress?: (step: string) => void
}

/**
 * What sparse attention keeps in real layers on real text: for each selector the share of the dense attention's weights on
 * the kept pairs (mean over heads and queries), and |o - o'| / |o| of the outputs, against the share of pairs left out.
 */
export function attentionEvidence(options: AttentionEvidenceOptions): QualityRecord[] {
  const records: QualityRecord[] = []
  options.run({
    attention(layer, inputs) {
      if (!options.layers.includes(layer)) return undefined
      options.onProgress?.(`${options.model}, layer ${layer}`)
      records.push(...judge(options, layer, inputs))
      return undefined
    },
  })
  return records
}

function judge(options: AttentionEvidenceOptions, layer: number, inputs: AttentionInputs): QualityRecord[] {
  const { model, data, blockShape, sparsities, seed } = options
  const [heads, , headDim] = inputs.q.shape
  const denseFlops = 4 * heads * headDim * allPairs(inputs)
  const dense = attention(inputs.q, inputs.k, inputs.v, { causal: inputs.causal })
  return (options.selectors ?? selectors).flatMap((selector) =>
    sparsities.map((sparsity): QualityRecord => {
      const choice = chooseAt(selector, inputs, { blockShape, sparsity, seed })
      const sparse = attention(inputs.q, inputs.k, inputs.v, { causal: inputs.causal, mask: choice.mask })
      return {
        kind: 'quality',
        operation: 'attention',
        model,
        layer: `layer ${String(layer).padStart(2, '0')}`,
        method: selector.name,
        sparsity: choice.sparsity,
        data,
        seed,
        metrics: {
          'kept attention': keptAttention(dense.logSumExp, sparse.logSumExp),
          'relative output error': relativeError(dense.output, sparse.output),
          'selection, share of dense flops': choice.flops / denseFlops,
        },
      }
    }),
  )
}

/** Mean over queries and heads: exp of what a sum of exponentials lost is the share of the weights that is left. */
function keptAttention(dense: Tensor, sparse: Tensor): number {
  let sum = 0
  for (let i = 0; i < dense.data.length; i++) sum += Math.exp(sparse.data[i] - dense.data[i])
  return sum / dense.data.length
}

function relativeError(dense: Tensor, sparse: Tensor): number {
  let [error, size] = [0, 0]
  for (let i = 0; i < dense.data.length; i++) {
    error += (dense.data[i] - sparse.data[i]) ** 2
    size += dense.data[i] ** 2
  }
  return Math.sqrt(error / size)
}
