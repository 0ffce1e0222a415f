// Attention forward. For each tile of up to 64 queries: the scaled queries stand in lanes, keys and values are read where they
// are. Per chunk of up to 64 keys: scores [key][query] = K Q^T, online softmax down the columns, O = factor * O + P^T V.
import { ln } from './exponential'
import { excludeByBits, excludeByRange } from './mask'
import { packTokens } from './pack'
import { Problem } from './problem'
import { LOWEST, softmax } from './softmax'
import { chunkOf, copyRanges, greatest, least, STRIDE } from './tile'
import { multiplyColumns, multiplyRows, ROWS, SCALE, sixes, ZERO } from './tiles'

// Scratch: five arrays of 64 lanes, the chunk of scores, the queries, the output.
const SUM: usize = 256
const FACTOR: usize = 512
const LOW: usize = 768
const HIGH: usize = 1024
const SCORES: usize = 1280
/** A tile's last row reads up to 5 lanes beyond the chunk. */
const QUERIES: usize = SCORES + 64 * STRIDE + 64

/** Computes the units of parts `begin` to `end` - 1. Scratch: 18 KB + 512 * headDim bytes for each part. */
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
  const count = load<i32>(problem.tileStarts + (<usize>tile << 2), 4) - start
  const headDim = problem.headDim
  const queries = scratch + QUERIES
  const output = queries + (<usize>headDim << 8)
  const q = problem.q + <usize>batch * problem.qBatch + <usize>head * problem.qHead + <usize>start * problem.qToken
  packTokens(q, problem.qToken, count, headDim, problem.scale, queries)
  for (let lane: usize = 0; lane < 256; lane += 16) {
    v128.store(scratch + lane, f32x4.splat(LOWEST))
    v128.store(scratch + SUM + lane, f32x4.splat(0))
  }
  copyRanges(problem, batch, start, count, scratch + LOW, scratch + HIGH)
  const lowest = least(scratch + LOW, count)
  const highest = greatest(scratch + HIGH, count)
  const allLow = greatest(scratch + LOW, count)
  const allHigh = least(scratch + HIGH, count)
  const k = problem.k + <usize>batch * problem.kBatch + <usize>keyHead * problem.kHead
  const v = problem.v + <usize>batch * problem.vBatch + <usize>keyHead * problem.vHead

  let mode = ZERO
  const offsets = problem.entryOffsets + (<usize>((batchHead % problem.maskHeads) * problem.tiles + tile) << 2)
  const entriesEnd = problem.entries + <usize>load<i32>(offsets, 4) * 12
  for (let entry = problem.entries + <usize>load<i32>(offsets) * 12; entry < entriesEnd; entry += 12) {
    const first = load<i32>(entry)
    const from = max(first, lowest)
    const to = min(load<i32>(entry, 4), highest)
    const bits = load<usize>(entry, 8)
    const chunk = chunkOf(to - from)
    for (let key = from; key < to; key += chunk) {
      const keys = min(chunk, to - key)
      const ranged = key < allLow || key + keys > allHigh
      const chunkBits: usize = bits == 0 ? 0 : bits + (<usize>(key - first) << 3)
      const kChunk = k + <usize>key * problem.kToken
      weights(scratch, kChunk, problem.kToken, headDim, count, key, keys, chunkBits, ranged)
      addValues(scratch, v + <usize>key * problem.vToken, problem.vToken, output, headDim, count, key, keys, ranged, mode)
      mode = SCALE
    }
  }
  finish(problem, scratch, output, batch, head, start, count, mode)
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
  const panelBytes = <usize>headDim << 5
  for (let lane = 0; lane < count; lane += 8, panel += panelBytes) {
    const at = <usize>lane << 2
    const scores = scratch + SCORES + at
    let needed = keys
    // Keys beyond the range of all eight queries are not computed.
    if (ranged) needed = max(min(keys, greatest(scratch + HIGH + at, 8) - key), 0)
    multiplyRows(ZERO, k, kToken, <usize>headDim << 2, panel, 32, scores, STRIDE, needed)
    if (bits != 0) excludeByBits(scores, STRIDE, needed, bits, lane)
    if (ranged) {
      excludeByRange(scores, STRIDE, needed, key, scratch + LOW + at, scratch + HIGH + at)
      for (let row = scores + <usize>needed * STRIDE; row < scores + <usize>keys * STRIDE; row += STRIDE) {
        v128.store(row, f32x4.splat(0))
        v128.store(row, f32x4.splat(0), 16)
      }
    }
    softmax(scores, STRIDE, needed, scratch + at, scratch + SUM + at, scratch + FACTOR + at)
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
  mode: i32,
): void {
  const outputStride = <usize>headDim << 2
  let six = sixes(count)
  for (let lane = 0, rows = 0; lane < count; lane += rows) {
    rows = six-- > 0 ? ROWS : min(5, count - lane)
    const at = <usize>lane << 2
    let needed = keys
    // One key at least, so that O is scaled; its weights are 0.
    if (ranged) needed = max(min(keys, greatest(scratch + HIGH + at, rows) - key), 1)
    multiplyColumns(mode, scratch + SCORES + at, STRIDE, needed, v, vToken, output + <usize>lane * outputStride, outputStride, scratch + FACTOR + at, rows, headDim >> 2)
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
  mode: i32,
): void {
  const rowBytes = <usize>problem.headDim << 2
  let out = problem.out + <usize>batch * problem.outBatch + <usize>head * problem.outHead + <usize>start * problem.outToken
  let log = problem.logSumExp + (<usize>((batch * problem.heads + head) * problem.tokens + start) << 2)
  for (let lane = 0; lane < count; lane++, out += problem.outToken, output += rowBytes, log += 4) {
    const at = scratch + (<usize>lane << 2)
    const sum = load<f32>(at, SUM)
    if (mode == ZERO || sum == 0) {
      memory.fill(out, 0, rowBytes)
      store<f32>(log, -Infinity)
      continue
    }
    const inverse = f32x4.splat(1 / sum)
    for (let i: usize = 0; i < rowBytes; i += 16) v128.store(out + i, f32x4.mul(inverse, v128.load(output + i)))
    const natural = f32x4.extract_lane(ln(f32x4.splat(sum)), 0)
    store<f32>(log, load<f32>(at) + (sum == sum ? natural : sum))
  }
}
