import type { BlockMask, MaskShape } from '../mask/block-mask.ts'
import { expectExtent } from '../mask/checks.ts'
import { type CausalOption, expectLimit, type Limit } from './causality.ts'
import { type PatternRow, pattern } from './pattern.ts'
import { keepSegments } from './segments.ts'

/** Every query keeps its own key and all before it. */
export function causal(shape: MaskShape): BlockMask {
  return pattern(shape, 'patterns.causal', (row) => {
    row.band(
      () => 0,
      (p) => p + 1,
    )
  })
}

function keepWindow(row: PatternRow, window: number, limit: Limit): void {
  if (window > 0)
    row.band(
      (p) => p - window + 1,
      (p) => limit(p, p + window),
    )
}

/** Options of `patterns.slidingWindow`. */
export interface SlidingWindowOptions extends MaskShape, CausalOption {
  /** Keys back from the query's own, which counts; without `causal` as many after it. */
  window: number
  /** Keys at the beginning that every query keeps (attention sinks, arXiv 2309.17453). Default: 0. */
  sinks?: number | undefined
}

/** A window that slides along the diagonal, and sinks: the A-shape of MInference (arXiv 2407.02490). */
export function slidingWindow(options: SlidingWindowOptions): BlockMask {
  const name = 'patterns.slidingWindow'
  const limit = expectLimit(options, true, name)
  const window = expectExtent(options.window, 0, `${name}: window`)
  const sinks = expectExtent(options.sinks ?? 0, 0, `${name}: sinks`)
  return pattern(options, name, (row) => {
    keepWindow(row, window, limit)
    row.band(
      () => 0,
      (p) => limit(p, sinks),
    )
  })
}

/** Options of `patterns.powerOfTwo`. */
export interface PowerOfTwoOptions extends MaskShape, CausalOption {
  /** Keys back from the query's own, which counts; without `causal` as many after it. Default: 1. */
  window?: number | undefined
  /** Distances count so many keys: with the block's, blocks are kept whole. Default: 1. */
  unit?: number | undefined
}

/**
 * Keys at distances 1, 2, 4, 8, … and a window (PowerAttention, arXiv 2503.03588): after d layers a query has met the last 2^d
 * keys, and keeps about log2 of their number.
 */
export function powerOfTwo(options: PowerOfTwoOptions): BlockMask {
  const name = 'patterns.powerOfTwo'
  const limit = expectLimit(options, true, name)
  const isCausal = options.causal ?? true
  const window = expectExtent(options.window ?? 1, 0, `${name}: window`)
  const unit = expectExtent(options.unit ?? 1, 1, `${name}: unit`)
  const start = (p: number, distance: number) => (Math.floor(p / unit) - distance) * unit
  const farthest = Math.max(options.rows, options.columns) + unit
  return pattern(options, name, (row) => {
    keepWindow(row, window, limit)
    if (unit > 1) keepSegments(row, unit, limit)
    for (let distance = 1; distance * unit < farthest; distance *= 2) {
      for (const d of isCausal ? [distance] : [distance, -distance])
        row.band(
          (p) => start(p, d),
          (p) => start(p, d) + unit,
        )
    }
  })
}
