import { rangeError } from '@nnz/core'
import type { BlockMask, MaskShape } from '../mask/block-mask.ts'
import { checkOffsets, expectExtent, toIndices } from '../mask/checks.ts'
import { type CausalOption, expectLimit, type Limit } from './causality.ts'
import { type PatternRow, pattern } from './pattern.ts'

/** Every query keeps the segment of `size` keys in which it stands. */
export function keepSegments(row: PatternRow, size: number, limit: Limit): void {
  row.band(
    (p) => Math.floor(p / size) * size,
    (p) => limit(p, (Math.floor(p / size) + 1) * size),
  )
}

/** Options of `patterns.blockDiagonal`. */
export interface BlockDiagonalOptions extends MaskShape, CausalOption {
  /** Keys of a segment, or where segments begin: numbers that rise from 0 to the keys. */
  segments: number | ArrayLike<number>
  /** Default: false. */
  causal?: boolean | undefined
}

/** Every query keeps the segment in which it stands. */
export function blockDiagonal(options: BlockDiagonalOptions): BlockMask {
  const name = 'patterns.blockDiagonal'
  const limit = expectLimit(options, false, name)
  if (typeof options.segments === 'number') {
    const size = expectExtent(options.segments, 1, `${name}: segments`)
    return pattern(options, name, (row) => {
      keepSegments(row, size, limit)
    })
  }
  const offsets = toIndices(options.segments, `${name}: segments`)
  checkOffsets(offsets, Math.max(0, offsets.length - 1), options.columns, `${name}: segments`)
  return pattern(options, name, (row) => {
    let segment = 0
    for (let query = row.first; query < row.end; query++) {
      const p = query + row.offset
      if (p < 0) continue
      while (offsets[segment + 1] <= p) segment++
      row.keep(query, offsets[segment], limit(p, offsets[segment + 1]))
    }
  })
}

/** Options of `patterns.globalTokens`. */
export interface GlobalTokensOptions extends MaskShape, CausalOption {
  /** Positions, or how many at the beginning. */
  tokens: number | ArrayLike<number>
  /** Default: false. */
  causal?: boolean | undefined
}

/** Global tokens meet all, and all meet them (Longformer, arXiv 2004.05150; BigBird, arXiv 2007.14062). */
export function globalTokens(options: GlobalTokensOptions): BlockMask {
  const name = 'patterns.globalTokens'
  const limit = expectLimit(options, false, name)
  const tokens = expectPositions(options.tokens, options.columns, `${name}: tokens`)
  const global = new Set(tokens)
  const runs = runsOf(tokens)
  return pattern(options, name, (row) => {
    for (const [from, end] of runs)
      row.band(
        () => from,
        (p) => limit(p, end),
      )
    for (let query = row.first; query < row.end; query++)
      if (global.has(query + row.offset)) row.keep(query, 0, limit(query + row.offset, options.columns))
  })
}

/** Positions in rising order. */
function expectPositions(tokens: number | ArrayLike<number>, columns: number, name: string): number[] {
  if (typeof tokens === 'number') {
    const count = Math.min(expectExtent(tokens, 0, name), columns)
    return Array.from({ length: count }, (_, i) => i)
  }
  const positions = [...new Set(toIndices(tokens, name))].sort((a, b) => a - b)
  const last = positions.at(-1)
  if (last !== undefined && last >= columns)
    throw rangeError('NNZ_VALUE', `${name}: expected positions below ${columns} (the keys), got ${last}`)
  return positions
}

/** Rising numbers as half-open ranges. */
export function runsOf(rising: ArrayLike<number>): [from: number, end: number][] {
  const runs: [number, number][] = []
  for (let i = 0; i < rising.length; i++) {
    const last = runs.at(-1)
    if (last?.[1] === rising[i]) last[1]++
    else runs.push([rising[i], rising[i] + 1])
  }
  return runs
}
