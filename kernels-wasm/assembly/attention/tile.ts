// What forward and backward know of a tile of queries.
import { Problem } from './problem'

/** Queries of a tile at most. */
const TILE: i32 = 64

/** Keys of the chunks into which `keys` keys are cut: of about equal size, `most` at most. */
// @ts-ignore: decorator
@inline export function chunkOf(keys: i32, most: i32): i32 {
  const chunks = (keys + most - 1) / most
  return chunks <= 1 ? most : (keys + chunks - 1) / chunks
}

/** Entry `lane` of an array of integers. */
// @ts-ignore: decorator
@inline export function at(values: usize, lane: i32): i32 {
  return load<i32>(values + (<usize>lane << 2))
}

/** Copies the ranges of a tile's queries; the lanes that are missing repeat the last query. */
export function copyRanges(problem: Problem, batch: i32, start: i32, count: i32, low: usize, high: usize): void {
  const from = <usize>batch * problem.rangeBatch + (<usize>start << 2)
  const bytes = <usize>count << 2
  memory.copy(low, problem.low + from, bytes)
  memory.copy(high, problem.high + from, bytes)
  const lastLow = at(low, count - 1)
  const lastHigh = at(high, count - 1)
  for (let lane = bytes; lane < <usize>TILE << 2; lane += 4) {
    store<i32>(low + lane, lastLow)
    store<i32>(high + lane, lastHigh)
  }
}

/**
 * How many of a chunk's `keys` keys, the first of which is `key`, a group of queries needs, given the end of its last query's
 * range: ends rise from query to query.
 */
// @ts-ignore: decorator
@inline export function neededKeys(keys: i32, key: i32, end: i32): i32 {
  return max(min(keys, end - key), 0)
}
