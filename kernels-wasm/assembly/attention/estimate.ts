// Attention weights of a few queries to all keys, and their sums along columns, diagonals and blocks: what choosing blocks by
// sampled queries needs. Weights stand as [key][query], rows of up to 64 queries STRIDE bytes apart.
import { madd, sum } from '../lib/vector'
import { excludeByRange } from './mask'
import { LOWEST, raise, softmax } from './softmax'
import { productRows, STRIDE } from './tiles'

// Arrays of 64 numbers in front of the weights.
const OLD: usize = 0
const MAXIMUM: usize = 256
const SUM: usize = 512
const FACTOR: usize = 768
const LOW: usize = 1024
/** Keys that each query sees: written by the host. */
const LIMITS: usize = 1280
/** 1 / sum of each query, 0 for those that are missing or see nothing. */
const INVERSE: usize = 1536
const WEIGHTS: usize = 1792

/** Keys of a chunk. */
const CHUNK: i32 = 64

/**
 * e^(score - maximum) of `count` queries in panels (`packRows`) and the first `keys` keys, and the inverse sums. Keys from a
 * query's limit on have the weight 0. Panels `begin` to `end` - 1. Scratch: 1792 bytes and (keys + 1) * STRIDE.
 */
export function sampleWeights(panels: usize, count: i32, headDim: i32, k: usize, kStride: usize, keys: i32, scratch: usize, begin: i32, end: i32): void {
  const first = begin << 3
  const last = min(count, end << 3)
  for (let lane = <usize>begin << 5; lane < <usize>end << 5; lane += 16) {
    v128.store(scratch + lane, f32x4.splat(LOWEST), MAXIMUM)
    v128.store(scratch + lane, f32x4.splat(0), SUM)
    v128.store(scratch + lane, i32x4.splat(0), LOW)
    v128.store(scratch + lane, f32x4.splat(0), INVERSE)
  }
  let all = keys
  for (let lane = first; lane < last; lane++) all = min(all, load<i32>(scratch + (<usize>lane << 2), LIMITS))
  const rowBytes = <usize>headDim << 2
  const weights = scratch + WEIGHTS
  for (let key = 0; key < keys; key += CHUNK) {
    const length = min(CHUNK, keys - key)
    const rows = weights + <usize>key * STRIDE
    for (let lane = first; lane < last; lane += 8) {
      const lanes = <usize>lane << 2
      productRows(k + <usize>key * kStride, kStride, rowBytes, panels + <usize>(lane >> 3) * (rowBytes << 3), rows + lanes, length)
      if (key + length > all) excludeByRange(rows + lanes, length, key, scratch + LOW + lanes, scratch + LIMITS + lanes)
      raise(rows + lanes, length, scratch + MAXIMUM + lanes)
    }
  }
  memory.copy(scratch + OLD + (<usize>first << 2), scratch + MAXIMUM + (<usize>first << 2), <usize>(end - begin) << 5)
  for (let key = 0; key < keys; key += CHUNK) {
    const length = min(CHUNK, keys - key)
    const rows = weights + <usize>key * STRIDE
    for (let lane = first; lane < last; lane += 4) {
      const lanes = scratch + (<usize>lane << 2)
      softmax(rows + (<usize>lane << 2), length, lanes, lanes + MAXIMUM, lanes + SUM, lanes + FACTOR)
    }
  }
  for (let lane = first; lane < last; lane++) {
    const total = load<f32>(scratch + (<usize>lane << 2), SUM)
    store<f32>(scratch + (<usize>lane << 2), total > 0 ? 1 / total : 0, INVERSE)
  }
}

/** target[key] = sum over queries of the weights, for keys `begin` to `end` - 1. */
export function columnSums(scratch: usize, count: i32, target: usize, begin: i32, end: i32): void {
  const bytes = <usize>((count + 3) & ~3) << 2
  const inverse = scratch + INVERSE
  let row = scratch + WEIGHTS + <usize>begin * STRIDE
  for (let to = target + (<usize>begin << 2); to != target + (<usize>end << 2); to += 4, row += STRIDE) {
    let total = f32x4.splat(0)
    for (let lane: usize = 0; lane < bytes; lane += 16) total = madd(v128.load(row + lane), v128.load(inverse + lane), total)
    store<f32>(to, sum(total))
  }
}

/** target[query + keys - 1 - key] += weight: one entry for each diagonal, keys + 64 of them, zeroed by the host. */
export function diagonalSums(scratch: usize, count: i32, keys: i32, target: usize): void {
  const bytes = <usize>((count + 3) & ~3) << 2
  const inverse = scratch + INVERSE
  let row = scratch + WEIGHTS
  let to = target + (<usize>(keys - 1) << 2)
  for (let key = 0; key < keys; key++, to -= 4, row += STRIDE) {
    for (let lane: usize = 0; lane < bytes; lane += 16)
      v128.store(to + lane, madd(v128.load(row + lane), v128.load(inverse + lane), v128.load(to + lane)))
  }
}

// @ts-ignore: decorator
@inline function largest(x: v128): f32 {
  const pairs = f32x4.pmax(x, i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1))
}

/** Sum and maximum of the weights in each block of `block` of the `keys` keys, for blocks `begin` to `end` - 1. */
export function blockSums(scratch: usize, count: i32, keys: i32, block: i32, sums: usize, maxima: usize, begin: i32, end: i32): void {
  const bytes = <usize>((count + 3) & ~3) << 2
  const inverse = scratch + INVERSE
  let row = scratch + WEIGHTS + <usize>(begin * block) * STRIDE
  for (let at = <usize>begin << 2; at < <usize>end << 2; at += 4) {
    let total = f32x4.splat(0)
    let most = f32x4.splat(0)
    for (const stop = row + <usize>min(block, keys - (<i32>(at >> 2)) * block) * STRIDE; row != stop; row += STRIDE) {
      for (let lane: usize = 0; lane < bytes; lane += 16) {
        const weight = f32x4.mul(v128.load(row + lane), v128.load(inverse + lane))
        total = f32x4.add(total, weight)
        most = f32x4.pmax(most, weight)
      }
    }
    store<f32>(sums + at, sum(total))
    store<f32>(maxima + at, largest(most))
  }
}
