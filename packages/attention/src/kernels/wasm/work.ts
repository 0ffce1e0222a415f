import { balancedRanges } from '@nnz/core'
import type { AttentionShape } from '../../problem.ts'
import { keyRanges } from '../../ranges.ts'
import { type Schedule, tileWork } from '../../schedule.ts'

/** Units of backward work that there should be at least, if the tiles allow it. */
const LEAST_UNITS = 8

/** Tiles of a unit at least. */
const LEAST_TILES = 4

/** How one size is shared out. */
export interface Work {
  /** Tiles of a head. */
  readonly tiles: number
  /** [parts + 1]: first unit of each part. */
  readonly bounds: Int32Array
}

/** As {@link Work}, for backward. */
export interface BackwardWork extends Work {
  /** For each unit: its first tile and the one after its last, counted over the query heads of its key head. */
  readonly unitTiles: Int32Array
}

/** Work of each tile of each head, ranges as far as they are known while planning. */
function perTile(shape: AttentionShape, causal: boolean, schedule: Schedule, tiles: number): Float64Array {
  const { batch, heads } = shape
  const perList = tileWork(schedule, keyRanges(shape, causal, {}, 'attention').high)
  return Float64Array.from(
    { length: batch * heads * tiles },
    (_, unit) => perList[(Math.floor(unit / tiles) % schedule.heads) * schedule.tiles + (unit % tiles)],
  )
}

/** Tiles of a head of a run with fewer tokens than the plan has room for. */
function tilesOf({ tokens }: AttentionShape, { tiles, tileStarts }: Schedule): number {
  let count = tiles
  while (count > 0 && tileStarts[count - 1] >= tokens) count--
  return count
}

/** Ranges of `count` units as bounds of `parts` parts, the last ones perhaps empty. */
function toBounds(count: number, parts: number, work: (unit: number) => number): Int32Array {
  const bounds = new Int32Array(parts + 1).fill(count)
  const ranges = balancedRanges(count, parts, work)
  for (let part = 0; part < ranges.length / 2; part++) bounds[part] = ranges[2 * part]
  return bounds
}

/** Shares the tiles of all heads out. */
export function forwardWork(shape: AttentionShape, causal: boolean, schedule: Schedule, parts: number): Work {
  const tiles = tilesOf(shape, schedule)
  const work = perTile(shape, causal, schedule, tiles)
  return { tiles, bounds: toBounds(work.length, parts, (unit) => work[unit]) }
}

/** Units into which the tiles of a key head are cut: as few as keep some threads busy, whatever their number is. */
export function backwardSplits({ batch, heads, keyHeads }: AttentionShape, { tiles }: Schedule): number {
  const groups = batch * keyHeads
  const most = Math.floor(((heads / Math.max(1, keyHeads)) * tiles) / LEAST_TILES)
  return Math.max(1, Math.min(most, Math.ceil(LEAST_UNITS / Math.max(1, groups))))
}

/** Shares the key heads out, each in `splits` units. */
export function backwardWork(
  shape: AttentionShape,
  causal: boolean,
  schedule: Schedule,
  parts: number,
  splits: number,
): BackwardWork {
  const tiles = tilesOf(shape, schedule)
  const work = perTile(shape, causal, schedule, tiles)
  const groups = shape.batch * shape.keyHeads
  const size = work.length / Math.max(1, groups)
  const unitTiles = new Int32Array(2 * groups * splits)
  const unitWork = new Float64Array(groups * splits)
  for (let group = 0; group < groups; group++) {
    const bounds = toBounds(size, splits, (tile) => work[group * size + tile])
    for (let split = 0; split < splits; split++) {
      const unit = group * splits + split
      unitTiles.set([bounds[split], bounds[split + 1]], 2 * unit)
      for (let tile = bounds[split]; tile < bounds[split + 1]; tile++) unitWork[unit] += work[group * size + tile]
    }
  }
  return { tiles, unitTiles, bounds: toBounds(unitWork.length, parts, (unit) => unitWork[unit]) }
}
