import { type Backend, isWasm } from '@nnz/core'
import type { Heads } from '../operands.ts'
import type { AttentionShape } from '../problem.ts'
import type { SelectionCall } from './call.ts'
import { jsSampler } from './sampling-js.ts'
import { wasmSampler } from './sampling-wasm.ts'

/** Queries that a sampler takes at once. */
export const LANES = 64

/**
 * Attention weights of a few queries of a head to all its keys, and their sums. It borrows the backend's workspace: what it
 * returns is good until its next call, and what it sampled until the next call of anything.
 */
export interface Sampler {
  /** The rows of these queries, up to {@link LANES} rising numbers, which the calls below sum up. */
  sample(batch: number, head: number, queries: readonly number[]): void
  /** Sum over the queries, for each key. */
  columns(): Float32Array
  /**
   * Sum along each diagonal of queries that follow one another: entry i is for those whose position exceeds the key's by
   * first position + i - (keys - 1).
   */
  diagonals(): Float32Array
  /** For each block of keys the sum and the maximum. */
  blocks(width: number): { sums: Float32Array; maxima: Float32Array }
}

/** What a sampler samples. */
export interface Sampled {
  readonly q: Heads
  readonly k: Heads
  readonly shape: AttentionShape
  readonly causal: boolean
  readonly scale: number
}

/** Keys that a query sees. */
export function seenKeys({ tokens, keys }: AttentionShape, causal: boolean, query: number): number {
  return causal ? Math.max(0, Math.min(keys, query + 1 + keys - tokens)) : keys
}

/** The sampler of a backend. */
export function openSampler(backend: Backend, sampled: Sampled): Sampler {
  return isWasm(backend) ? wasmSampler(backend, sampled) : jsSampler(sampled)
}

/** Adds values to those of `target` from `from` on. */
export function addTo(target: Float32Array, values: Float32Array, from = 0): void {
  for (let i = 0; i < values.length; i++) target[from + i] += values[i]
}

/** Calls `visit` after each sampling of up to 64 of `queries`, which rise, and counts its cost. */
export function sampleAll(
  sampler: Sampler,
  { shape, causal, meter }: Pick<SelectionCall, 'shape' | 'causal' | 'meter'>,
  batch: number,
  head: number,
  queries: readonly number[],
  visit: (first: number) => void,
): void {
  for (let first = 0; first < queries.length; first += LANES) {
    const tile = queries.slice(first, first + LANES)
    sampler.sample(batch, head, tile)
    const seen = seenKeys(shape, causal, tile[tile.length - 1])
    meter.flops += 2 * tile.length * seen * shape.headDim
    meter.bytes += 4 * (tile.length + seen) * shape.headDim
    visit(first)
  }
}
