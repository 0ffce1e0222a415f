// Attention forward. For each tile of up to 64 queries: the scaled queries stand in lanes, keys and values are read where they
// are. Per chunk of up to 192 keys: scores [key][query] = K Q^T, online softmax down the columns, O = factor * O + P^T V.
import { ln } from './exponential'
import { fetch } from './fetch'
import { clearRows, excludeByBits, excludeByRange } from './mask'
import { packTokens } from './pack'
import { addToQueriesByPairs, allFinite, scaleRows } from './pairs'
import { Problem } from './problem'
import { LOWEST, raise, softmax } from './softmax'
import { at, chunkOf, copyRanges, neededKeys } from './tile'
import { ROWS, scaleColumns, scoreRows, sixes, STRIDE } from './tiles'

// Scratch: the maximum of each of 64 queries, and more arrays of 64; the chunk of scores, the queries, the output.
const MAXIMUM: usize = 256
const SUM: usize = 512
const FACTOR: usize = 768
const LOW: usize = 1024
const HIGH: usize = 1280
const SCORES: usize = 1536
/** Keys of a chunk at most: long sums in P^T V, and still in the second cache. */
const CHUNK: i32 = 192
/** Behind the first row of scores: see `fetch`. */
const FETCHED: usize = SCORES + 256
const QUERIES: usize = SCORES + CHUNK * STRIDE + 64

/** Computes the units of parts `begin` to `end` - 1. Scratch: 56 KB + 512 * headDim bytes for each part. */
export function attention(problem: Problem, begin: i32, end: i32): void {
  for (let part = begin; part < end; part++) {
    const scratch = problem.scratch + <usize>part * problem.scratchBytes
    const to = load<i32>(problem.bounds + (<usize>part << 2), 4)
    for (let unit = load<i32>(problem.bounds + (<usize>part << 2)); unit < to; unit++) forwardTile(problem, unit, scratch)
  }
}

function forwardTile(problem: Problem, unit: i32, scratch: usize): void {
  const tile = unit % problem.tiles
  const batchHead = unit / problem.tiles
  const batch = batchHead / problem.heads
  const head = batchHead % problem.heads
  const keyHead = head / problem.group
  const start = load<i32>(problem.tileStarts + (<usize>tile << 2))
  const count = min(load<i32>(problem.tileStarts + (<usize>tile << 2), 4), problem.tokens) - start
  const headDim = problem.headDim
  const rowBytes = <usize>headDim << 2
  const queries = scratch + QUERIES
  const output = queries + (<usize>headDim << 8)
  const q = problem.q + <usize>batch * problem.qBatch + <usize>head * problem.qHead + <usize>start * problem.qToken
  packTokens(q, problem.qToken, count, headDim, problem.scale, queries)
  memory.fill(output, 0, <usize>headDim << 8)
  for (let lane: usize = 0; lane < 256; lane += 16) {
    v128.store(scratch + lane, f32x4.splat(LOWEST))
    v128.store(scratch + SUM + lane, f32x4.splat(0))
  }
  copyRanges(problem, batch, start, count, scratch + LOW, scratch + HIGH)
  // Both ends of the ranges rise from query to query.
  const lowest = at(scratch + LOW, 0)
  const highest = at(scratch + HIGH, 63)
  const allLow = at(scratch + LOW, 63)
  const allHigh = at(scratch + HIGH, 0)
  const k = problem.k + <usize>batch * problem.kBatch + <usize>keyHead * problem.kHead
  const v = problem.v + <usize>batch * problem.vBatch + <usize>keyHead * problem.vHead

  const offsets = problem.entryOffsets + (<usize>((batchHead % problem.maskHeads) * problem.tiles + tile) << 2)
  const entriesEnd = problem.entries + <usize>load<i32>(offsets, 4) * 12
  for (let entry = problem.entries + <usize>load<i32>(offsets) * 12; entry < entriesEnd; entry += 12) {
    const first = load<i32>(entry)
    const from = max(first, lowest)
    const to = min(load<i32>(entry, 4), highest)
    const bits = load<usize>(entry, 8)
    const chunk = chunkOf(to - from, CHUNK)
    for (let key = from; key < to; key += chunk) {
      const keys = min(chunk, to - key)
      const ranged = key < allLow || key + keys > allHigh
      const chunkBits: usize = bits == 0 ? 0 : bits + (<usize>(key - first) << 3)
      const kChunk = k + <usize>key * problem.kToken
      const vChunk = v + <usize>key * problem.vToken
      // Where a run of keys begins; inside it one chunk follows another.
      if (key == from) {
        const fetched = fetch(kChunk, problem.kToken, keys, rowBytes)
        store<i32>(scratch + FETCHED, fetched | fetch(vChunk, problem.vToken, keys, rowBytes))
      }
      weights(scratch, kChunk, problem.kToken, headDim, count, key, keys, chunkBits, ranged)
      if ((chunkBits == 0 && !ranged) || allFinite(vChunk, problem.vToken, keys, rowBytes)) {
        addValues(scratch, vChunk, problem.vToken, output, headDim, count, key, keys, ranged)
      } else {
        scaleRows(output, count, rowBytes, scratch + FACTOR)
        addToQueriesByPairs(scratch + SCORES, keys, vChunk, problem.vToken, output, count, rowBytes)
      }
    }
  }
  finish(problem, scratch, output, batch, head, start, count)
}

/** Scores of a chunk and their softmax, 8 queries at a time. */
// @ts-ignore: decorator
@inline function weights(
  scratch: usize,
  k: usize,
  kToken: usize,
  headDim: i32,
  count: i32,
  key: i32,
  keys: i32,
  bits: usize,
  ranged: bool,
): void {
  let panel = scratch + QUERIES
  const rowBytes = <usize>headDim << 2
  for (let lane = 0; lane < count; lane += 8, panel += rowBytes << 3) {
    const lanes = scratch + (<usize>lane << 2)
    const scores = lanes + SCORES
    const maximum = lanes + MAXIMUM
    const needed = ranged ? neededKeys(keys, key, at(lanes + HIGH, 7)) : keys
    v128.store(maximum, v128.load(lanes))
    v128.store(maximum, v128.load(lanes, 16), 16)
    scoreRows(k, kToken, rowBytes, panel, scores, needed, maximum)
    if (bits != 0 || ranged) {
      if (bits != 0) excludeByBits(scores, needed, bits, lane)
      if (ranged) excludeByRange(scores, needed, key, lanes + LOW, lanes + HIGH)
      clearRows(scores, needed, keys)
      v128.store(maximum, v128.load(lanes))
      v128.store(maximum, v128.load(lanes, 16), 16)
      raise(scores, needed, maximum)
    }
    softmax(scores, needed, lanes, maximum, lanes + SUM, lanes + FACTOR)
    softmax(scores + 16, needed, lanes + 16, maximum + 16, lanes + SUM + 16, lanes + FACTOR + 16)
  }
}

/** O = factor * O + P^T V, ROWS queries at a time. */
// @ts-ignore: decorator
@inline function addValues(
  scratch: usize,
  v: usize,
  vToken: usize,
  output: usize,
  headDim: i32,
  count: i32,
  key: i32,
  keys: i32,
  ranged: bool,
): void {
  const outputStride = <usize>headDim << 2
  let six = sixes(count)
  for (let lane = 0, rows = 0; lane < count; lane += rows, output += <usize>rows * outputStride) {
    rows = six-- > 0 ? ROWS : min(5, count - lane)
    const lanes = scratch + (<usize>lane << 2)
    // One key at least, so that O is scaled; its weights are 0.
    const needed = ranged ? max(neededKeys(keys, key, at(lanes + HIGH, rows - 1)), 1) : keys
    scaleColumns(lanes + SCORES, needed, v, vToken, output, outputStride, lanes + FACTOR, rows, headDim >> 2)
  }
}

/** Divides by the sums and writes the outputs and log-sum-exp of a tile. */
// @ts-ignore: decorator
@inline function finish(
  problem: Problem,
  scratch: usize,
  output: usize,
  batch: i32,
  head: i32,
  start: i32,
  count: i32,
): void {
  const rowBytes = <usize>problem.headDim << 2
  let out = problem.out + <usize>batch * problem.outBatch + <usize>head * problem.outHead + <usize>start * problem.outToken
  let log = problem.logSumExp + (<usize>((batch * problem.heads + head) * problem.tokens + start) << 2)
  for (let lane: usize = 0; lane < <usize>count << 2; lane += 16) {
    const lanes = scratch + lane
    const sum = v128.load(lanes, SUM)
    v128.store(lanes + FACTOR, f32x4.div(f32x4.splat(1), sum))
    // NaN is not above 0, and ln does not know it.
    const natural = v128.bitselect(ln(sum), sum, f32x4.gt(sum, f32x4.splat(0)))
    v128.store(lanes, f32x4.add(v128.load(lanes), natural))
  }
  for (let lane = 0; lane < count; lane++, out += problem.outToken, output += rowBytes, log += 4) {
    const lanes = scratch + (<usize>lane << 2)
    if (load<f32>(lanes, SUM) == 0) {
      memory.fill(out, 0, rowBytes)
      store<f32>(log, -Infinity)
      continue
    }
    const inverse = v128.load32_splat(lanes, FACTOR)
    for (let i: usize = 0; i < rowBytes; i += 16) v128.store(out + i, f32x4.mul(inverse, v128.load(output + i)))
    store<f32>(log, load<f32>(lanes))
  }
}
