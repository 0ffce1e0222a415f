import type { Decoder } from '@nnz/models'
import { perplexity } from '../networks/scores.ts'
import type { QualityRecord } from '../records/index.ts'
import { chooseAt, type Selector } from './selectors.ts'

/** What is judged. */
export interface PerplexityEvidenceOptions {
  readonly model: string
  readonly decoder: Decoder
  /** One sequence. */
  readonly tokens: readonly number[]
  readonly data: string
  readonly blockShape: readonly number[]
  readonly sparsities: readonly number[]
  readonly seed: number
  readonly selectors: readonly Selector[]
  readonly onProgress?: (step: string) => void
}

/** Perplexity of a language model with sparse attention in all layers, each with a mask of its own, beside dense attention. */
export function perplexityEvidence(options: PerplexityEvidenceOptions): QualityRecord[] {
  const { model, decoder, tokens, data, blockShape, seed, onProgress } = options
  const record = (method: string, sparsity: number, value: number): QualityRecord => ({
    kind: 'quality',
    operation: 'attention',
    model,
    layer: null,
    method,
    sparsity,
    data,
    seed,
    metrics: { perplexity: value },
  })
  onProgress?.(`${model}, dense`)
  const records = [record('dense', 0, perplexity(decoder, [tokens]))]
  for (const selector of options.selectors)
    for (const sparsity of options.sparsities) {
      onProgress?.(`${model}, ${selector.name} at ${sparsity}`)
      const reached: number[] = []
      const value = perplexity(decoder, [tokens], {
        attention(_, inputs) {
          const choice = chooseAt(selector, inputs, { blockShape, sparsity, seed })
          reached.push(choice.sparsity)
          return choice.mask
        },
      })
      records.push(record(selector.name, reached.reduce((sum, each) => sum + each, 0) / reached.length, value))
    }
  return records
}
