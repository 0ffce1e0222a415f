import type { Pattern } from '@nnz/prune'
import type { Workload } from '../runner/workload.ts'

/** What a network is run for: texts read as a whole, or one token after another. */
export type NetworkPhase = 'prefill' | 'decode'

/** A whole network, pruned by magnitude, on texts of one length. */
export interface NetworkWorkload extends Workload {
  readonly operation: 'encode' | 'generate'
  /** By its name in the cache. */
  readonly model: string
  readonly source: string
  readonly phase: NetworkPhase
  /** Texts that are computed at once. */
  readonly batch: number
  /** Tokens of each text; of a decode, those that the cache holds. */
  readonly tokens: number
  readonly pattern: Pattern
  /** Whether it is the quick suite's: contenders that take minutes leave it out. */
  readonly brief?: boolean
  /** Of the tokens. */
  readonly seed: number
}

/** A word for a pattern, as it stands in ids: `unstructured`, `nm-2-4`, `nm-2-4-g2`. */
export function patternWord(pattern: Pattern): string {
  switch (pattern.kind) {
    case 'unstructured':
      return pattern.kind
    case 'nm':
      return `nm-${pattern.n}-${pattern.m}`
    case 'grouped-nm':
      return `nm-${pattern.n}-${pattern.m}-g${pattern.group}`
    default:
      throw new RangeError(`networks are measured unstructured and with N:M, not with ${pattern.kind}`)
  }
}

/** Makes a workload, deriving its id: `all-minilm-l6-v2/encode/b32-t64/unstructured`. */
export function createNetworkWorkload(parts: Omit<NetworkWorkload, 'id' | 'seed' | 'anySparsity'>): NetworkWorkload {
  const { model, operation, phase, batch, tokens, pattern } = parts
  const what = operation === 'encode' ? `b${batch}-t${tokens}` : `${phase}-t${tokens}`
  const id = [model, operation, what, patternWord(pattern)].join('/')
  return Object.freeze({ id, ...parts, seed: 1, anySparsity: pattern.kind === 'unstructured' })
}
