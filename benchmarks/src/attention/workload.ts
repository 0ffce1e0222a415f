import type { Workload } from '../runner/workload.ts'
import type { AttentionPattern, SelectorName } from './patterns.ts'

/** What an attention is computed for. */
export type AttentionPhase = 'prefill' | 'training' | 'decode'

/** The heads of a real model's attention. */
export interface AttentionLayer {
  readonly model: string
  /** Where the sizes come from. */
  readonly source: string
  readonly heads: number
  readonly keyHeads: number
  readonly headDim: number
  /** Whether it looks back only. */
  readonly causal: boolean
}

/** One attention of a real model, with a pattern. */
export interface AttentionWorkload extends Workload, AttentionLayer {
  readonly operation: 'attention' | 'attention-backward' | 'attention-selection' | 'decode'
  readonly phase: AttentionPhase
  /** Queries. */
  readonly tokens: number
  readonly keys: number
  readonly pattern: AttentionPattern | SelectorName
  readonly seed: number
}

/** Makes a workload, deriving its id: `bert-base/attention/t1024/random`. Of a decode, t is what the cache holds. */
export function createAttentionWorkload(
  parts: Omit<AttentionWorkload, 'id' | 'seed' | 'anySparsity'>,
): AttentionWorkload {
  const { model, operation, keys, pattern } = parts
  const id = `${model}/${operation}/t${keys}/${pattern}`
  return Object.freeze({ id, ...parts, seed: 1, anySparsity: pattern !== 'full' && pattern !== 'causal' })
}
