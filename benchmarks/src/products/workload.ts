import type { Workload } from '../runner/workload.ts'
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
export interface ProductWorkload extends Workload {
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
}

/** A word for the pattern, as it stands in ids and records: `uniform`, `block-32x32`, `magnitude`… */
export function patternName(pattern: Pattern): string {
  return pattern.kind === 'block' ? `block-${pattern.blockShape.join('x')}` : pattern.kind
}

/** Makes a workload, deriving its id. */
export function createWorkload(
  parts: Omit<ProductWorkload, 'id' | 'operation' | 'seed' | 'anySparsity'>,
): ProductWorkload {
  const { model, layer, n, pattern } = parts
  const id = `${model}/${layer}/n${n}/${patternName(pattern)}`
  const sparse = pattern.kind === 'trained' || (pattern.kind === 'file' && pattern.tensor === null)
  return Object.freeze({ id, operation: 'spmm', ...parts, seed: 1, anySparsity: !sparse })
}
