import { type BlockMask, blockMask, FULL } from '@nnz/attention'
import { type Random, random } from '../random.ts'

/**
 * Which pairs a workload keeps. `full` and `causal` have no mask; `random` and `random-causal` draw blocks, the diagonal
 * among them; `window` keeps the first block (sinks) and the blocks before the diagonal.
 */
export type AttentionPattern = 'full' | 'causal' | 'random' | 'random-causal' | 'window'

/** What a pattern is drawn for. */
export interface AttentionPatternOptions {
  readonly tokens: number
  readonly keys: number
  /** Share of the whole square that is dropped, 0..1. Whole blocks are dropped, so what is reached differs a little. */
  readonly sparsity: number
  readonly seed: number
}

/** A pattern at a sparsity. */
export interface DrawnPattern {
  /** Shared by all heads; undefined where every block is kept. */
  readonly mask: BlockMask | undefined
  readonly causal: boolean
}

/** Queries and keys of a block. */
export const BLOCK = 64

/** Whether a pattern keeps no key after its query. */
export function isCausal(pattern: AttentionPattern): boolean {
  return pattern === 'causal' || pattern === 'random-causal' || pattern === 'window'
}

/** Draws a pattern, always the same one for one seed. */
export function drawPattern(pattern: AttentionPattern, options: AttentionPatternOptions): DrawnPattern {
  const causal = isCausal(pattern)
  if (pattern === 'full' || pattern === 'causal') return { mask: undefined, causal }
  const { tokens, keys, sparsity, seed } = options
  const height = Math.min(BLOCK, tokens)
  const rows = Math.ceil(tokens / height)
  const columns = Math.ceil(keys / BLOCK)
  // Blocks on the diagonal of a causal pattern count half.
  const wanted = (1 - sparsity) * rows * columns + (causal ? rows / 2 : 0)
  const next = random(seed, 'pattern')
  const counts = pattern === 'window' ? windowCounts(rows, wanted) : evenCounts(rows, wanted, causal)
  const rowOffsets = [0]
  const columnIndices: number[] = []
  counts.forEach((count, row) => {
    const last = columns - rows + row
    columnIndices.push(
      ...(pattern === 'window' ? windowOf(last, count) : drawnOf(causal ? last + 1 : columns, last, count, next)),
    )
    rowOffsets.push(columnIndices.length)
  })
  const mask = blockMask({
    blockShape: [height, BLOCK],
    rows: tokens,
    columns: keys,
    rowOffsets,
    columnIndices,
    partialIndices: columnIndices.map(() => FULL),
  })
  return { mask, causal }
}

/** Blocks of each row, at least one, in proportion to those that the row may see; they add up to `wanted`, rounded. */
function evenCounts(rows: number, wanted: number, causal: boolean): number[] {
  const upTo = (row: number) => (causal ? (row * (row + 1)) / (rows * (rows + 1)) : row / rows)
  let given = 0
  return Array.from({ length: rows }, (_, row) => {
    const count = Math.max(1, Math.round(wanted * upTo(row + 1)) - given)
    given += count
    return count
  })
}

/** As many blocks in every row as come closest to `wanted` together, where there are so many. */
function windowCounts(rows: number, wanted: number): number[] {
  const counts = (width: number) => Array.from({ length: rows }, (_, row) => Math.min(row + 1, width))
  const total = (width: number) => counts(width).reduce((sum, count) => sum + count, 0)
  let width = 1
  while (width < rows && Math.abs(total(width + 1) - wanted) < Math.abs(total(width) - wanted)) width++
  return counts(width)
}

/** The first block, and those up to the last that a query may see. */
function windowOf(last: number, count: number): number[] {
  const from = last - count + 1
  return Array.from({ length: count }, (_, i) => (i === 0 && from > 0 ? 0 : from + i))
}

/** `count` of `open` columns in order, `always` among them. */
function drawnOf(open: number, always: number, count: number, next: Random): number[] {
  const kept = new Set([always])
  while (kept.size < count) kept.add((next() >>> 0) % open)
  return [...kept].sort((a, b) => a - b)
}
