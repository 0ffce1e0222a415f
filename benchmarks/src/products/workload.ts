import type { Workload } from '../runner/workload.ts'
import type { Phase } from './layers.ts'

/** Where the non-zeros of a workload's weights come from. */
export type Pattern =
  | { readonly kind: 'uniform' }
  /** Row densities are log-normal. */
  | { readonly kind: 'uneven' }
  | { readonly kind: 'block'; readonly blockShape: readonly [number, number] }
  /** n of each m along the columns, the same ones in g neighbouring rows. */
  | { readonly kind: 'nm'; readonly n: number; readonly m: number; readonly g: number }
  /** A tensor of a model in the cache, pruned by magnitude. */
  | { readonly kind: 'magnitude'; readonly model: string; readonly file: string; readonly tensor: string }
  /** A matrix of a model in the cache that was trained sparse. */
  | { readonly kind: 'trained'; readonly model: string; readonly file: string; readonly layer: string }
  /** A file that the user named; `tensor`, inside a safetensors file, is pruned by magnitude. */
  | { readonly kind: 'file'; readonly path: string; readonly tensor: string | null }

/** Sparse weights [m, k] of a real layer, times activations [k, n]. */
export interface ProductWorkload extends Workload {
  readonly operation: ProductOperation
  readonly model: string
  readonly layer: string
  /** Where the shapes, or the weights, come from. */
  readonly source: string
  readonly phase: Phase
  readonly m: number
  readonly k: number
  readonly n: number
  readonly layout: 'csr' | 'bsr' | 'nm' | 'nmg'
  readonly pattern: Pattern
  /** Of random patterns and values, and of the activations. */
  readonly seed: number
}

/** The operations on sparse weights and dense activations. */
export type ProductOperation = 'spmm' | 'nm-gemm' | 'backprop' | 'sddmm'

/** A word for the pattern, as it stands in ids and records: `uniform`, `block-32x32`, `nm-2-4-g2`… */
export function patternName(pattern: Pattern): string {
  if (pattern.kind === 'block') return `block-${pattern.blockShape.join('x')}`
  if (pattern.kind !== 'nm') return pattern.kind
  return `nm-${pattern.n}-${pattern.m}${pattern.g > 1 ? `-g${pattern.g}` : ''}`
}

/** Makes a workload, deriving its id; those of training name their operation. */
export function createWorkload({
  operation = 'spmm',
  ...parts
}: Omit<ProductWorkload, 'id' | 'operation' | 'seed' | 'anySparsity'> & {
  operation?: ProductOperation
}): ProductWorkload {
  const { model, layer, n, pattern } = parts
  const named = operation === 'spmm' || operation === 'nm-gemm' ? [] : [operation]
  const id = [model, layer, ...named, `n${n}`, patternName(pattern)].join('/')
  const sparse = ['trained', 'nm'].includes(pattern.kind) || (pattern.kind === 'file' && pattern.tensor === null)
  return Object.freeze({ id, operation, ...parts, seed: 1, anySparsity: !sparse })
}
