// The scratch of one part, and the shape of a tile of queries.
import { Problem } from './problem'

/** Queries of a tile at most, and keys of a chunk. */
export const TILE: i32 = 64
/** Bytes between the keys of a chunk of scores. */
export const STRIDE: usize = 256

/** Keys of the chunks into which `keys` keys are cut: of about equal size, 64 at most. */
// @ts-ignore: decorator
@inline export function chunkOf(keys: i32): i32 {
  const chunks = (keys + TILE - 1) / TILE
  return chunks == 0 ? 1 : (keys + chunks - 1) / chunks
}

/** Copies the ranges of a tile's queries; the lanes that are missing repeat the last query. */
export function copyRanges(problem: Problem, batch: i32, start: i32, count: i32, low: usize, high: usize): void {
  const from = <usize>batch * problem.rangeBatch + ((<usize>start) << 2)
  for (let lane = 0; lane < TILE; lane++) {
    const offset = from + (<usize>min(lane, count - 1) << 2)
    store<i32>(low + (<usize>lane << 2), load<i32>(problem.low + offset))
    store<i32>(high + (<usize>lane << 2), load<i32>(problem.high + offset))
  }
}

/** The least of `count` integers. */
// @ts-ignore: decorator
@inline export function least(values: usize, count: i32): i32 {
  let result = load<i32>(values)
  for (let i = 1; i < count; i++) result = min(result, load<i32>(values + (<usize>i << 2)))
  return result
}

/** The greatest of `count` integers. */
// @ts-ignore: decorator
@inline export function greatest(values: usize, count: i32): i32 {
  let result = load<i32>(values)
  for (let i = 1; i < count; i++) result = max(result, load<i32>(values + (<usize>i << 2)))
  return result
}
