import type { Phase } from './layers.ts'

/** Where the non-zeros of a workload's weights come from. */
export type Pattern =
  | { readonly kind: 'uniform' }
  /** Row densities are log-normal. */
  | { readonly kind: 'uneven' }
  | { readonly kind: 'block'; readonly blockShape: readonly [number, number] }
  /** A tensor of a model in the cache, pruned by magnitude. */
  | { readonly kind: 'magnitude'; readonly model: string; readonly file: string; readonly tensor: string }
  /** A matrix of a model in the cache that was trained sparse. */
  | { readonly kind: 'trained'; readonly model: string; readonly file: string; readonly layer: string }
  /** A file that the user named; `tensor`, inside a safetensors file, is pruned by magnitude. */
  | { readonly kind: 'file'; readonly path: string; readonly tensor: string | null }

/** Sparse weights [m, k] of a real layer, times activations [k, n]. */
export interface Workload {
  /** Stable: `bert-base/ffn-up/n128/uniform`. */
  readonly id: string
  readonly operation: 'spmm'
  readonly model: string
  readonly layer: string
  /** Where the shapes, or the weights, come from. */
  readonly source: string
  readonly phase: Phase
  readonly m: number
  readonly k: number
  readonly n: number
  readonly layout: 'csr' | 'bsr'
  readonly pattern: Pattern
  /** Of random patterns and values, and of the activations. */
  readonly seed: number
  /** The sparsities to measure, rising. Trained matrices and sparse files have the one that they have. */
  readonly sparsities: readonly number[]
}

/** A word for the pattern, as it stands in ids and records: `uniform`, `block-32x32`, `magnitude`… */
export function patternName(pattern: Pattern): string {
  return pattern.kind === 'block' ? `block-${pattern.blockShape.join('x')}` : pattern.kind
}

/** The id of a workload at one sparsity: `bert-base/ffn-up/n128/uniform/0.90`. */
export function pointId(workload: Workload, sparsity: number): string {
  return `${workload.id}/${sparsity.toFixed(2)}`
}

/** Makes a workload, deriving its id. */
export function createWorkload(parts: Omit<Workload, 'id' | 'operation' | 'seed'>): Workload {
  const id = `${parts.model}/${parts.layer}/n${parts.n}/${patternName(parts.pattern)}`
  return Object.freeze({ id, operation: 'spmm', ...parts, seed: 1 })
}
