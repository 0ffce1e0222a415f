import { expectExtent } from '../mask/checks.ts'
import type { RowLimits } from './block-lists.ts'

/** Blocks that stay whatever their scores. */
export interface RequiredBlocks {
  /** The first blocks of keys. Default: 0. */
  sinkBlocks?: number | undefined
  /** Blocks of keys back from the diagonal, its own included; without `causal` as many after it. Default: 1 with `causal`, else 0. */
  localBlocks?: number | undefined
}

/** Half-open ranges of indices. */
export type Ranges = readonly (readonly [begin: number, end: number])[]

/** Checks which blocks are required, and returns the ranges of a row. */
export function expectRequired(options: RequiredBlocks, causal: boolean, name: string): (limits: RowLimits) => Ranges {
  const { sinkBlocks = 0, localBlocks = causal ? 1 : 0 } = options
  expectExtent(sinkBlocks, 0, `${name}: sinkBlocks`)
  expectExtent(localBlocks, 0, `${name}: localBlocks`)
  if (localBlocks === 0) return () => [[0, sinkBlocks]]
  return ({ diagonal: [begin, end] }) => [
    [0, sinkBlocks],
    [begin - localBlocks + 1, causal ? end : end + localBlocks - 1],
  ]
}
