// Attention backward. A unit is a key head, or where there are few of them a part of its query heads' tiles, which come one
// after another, so that dK and dV are summed in one order whatever the number of threads. Per tile and chunk of up to 64
// keys, all as [key][query]: the weights P = e^(score - logSumExp), dP = V (scale dO)^T and dS = P (dP - scale sum of dO O);
// then dV += P dO, dK += dS Q, dQ += dS^T K.
import { C2, C3, C4, C5, exp, LEAST, LOG2E, MINUS_LN2, ONE, SHIFT } from './exponential'
import { fetch } from './fetch'
import { clearRows, excludeByBits, excludeByRange } from './mask'
import { packTokens } from './pack'
import { addToKeysByPairs, addToQueriesByPairs, allFinite } from './pairs'
import { Problem } from './problem'
import { at, chunkOf, copyRanges, neededKeys } from './tile'
import { addColumns, addRows, productRows, ROWS, sixes, STRIDE } from './tiles'

// Scratch: four arrays of 64 lanes, P, dS, the queries, dO, dQ.
/** Scaled sum of dO O of each query. */
const MEAN: usize = 256
const LOW: usize = 512
const HIGH: usize = 768
const WEIGHTS: usize = 1024
/** Keys of a chunk at most. */
const CHUNK: i32 = 64
const SLOPES: usize = WEIGHTS + CHUNK * STRIDE
/** Behind the first row of weights: see `fetch`. */
const FETCHED: usize = WEIGHTS + 256
const QUERIES: usize = SLOPES + CHUNK * STRIDE + 64

/** Computes the units of parts `begin` to `end` - 1. Scratch: 38 KB + 768 * headDim bytes for each part. */
export function attentionBackward(problem: Problem, begin: i32, end: i32): void {
  for (let part = begin; part < end; part++) {
    const scratch = problem.scratch + <usize>part * problem.scratchBytes
    const to = load<i32>(problem.bounds + (<usize>part << 2), 4)
    for (let unit = load<i32>(problem.bounds + (<usize>part << 2)); unit < to; unit++) backwardUnit(problem, unit, scratch)
  }
}

function backwardUnit(problem: Problem, unit: i32, scratch: usize): void {
  const keyHeads = problem.heads / problem.group
  const group = unit / problem.splits
  const split = unit % problem.splits
  const batch = group / keyHeads
  const head = group % keyHeads
  const rowBytes = <usize>problem.headDim << 2
  const partialBytes = <usize>problem.keys * rowBytes
  const partial = problem.partial + <usize>(group * (problem.splits - 1) + split - 1) * 2 * partialBytes
  const dK = split > 0 ? partial : problem.dK + <usize>batch * problem.dKBatch + <usize>head * problem.dKHead
  const dV = split > 0 ? partial + partialBytes : problem.dV + <usize>batch * problem.dVBatch + <usize>head * problem.dVHead
  const dKToken = split > 0 ? rowBytes : problem.dKToken
  const dVToken = split > 0 ? rowBytes : problem.dVToken
  for (let key = 0; key < problem.keys; key++) {
    memory.fill(dK + <usize>key * dKToken, 0, rowBytes)
    memory.fill(dV + <usize>key * dVToken, 0, rowBytes)
  }
  const k = problem.k + <usize>batch * problem.kBatch + <usize>head * problem.kHead
  const v = problem.v + <usize>batch * problem.vBatch + <usize>head * problem.vHead
  const end = load<i32>(problem.unitTiles + (<usize>unit << 3), 4)
  for (let item = load<i32>(problem.unitTiles + (<usize>unit << 3)); item < end; item++) {
    const queryHead = head * problem.group + item / problem.tiles
    backwardTile(problem, batch, queryHead, item % problem.tiles, k, v, dK, dKToken, dV, dVToken, scratch)
  }
}

/** dK and dV of keys: those of a key head's first unit, plus those of its others in their order. A part is 64 keys of a head. */
export function attentionBackwardMerge(problem: Problem, begin: i32, end: i32): void {
  const keyHeads = problem.heads / problem.group
  const blocks = (problem.keys + 63) / 64
  const rowBytes = <usize>problem.headDim << 2
  const partialBytes = <usize>problem.keys * rowBytes
  for (let part = begin; part < end; part++) {
    const group = part / blocks
    const batch = group / keyHeads
    const head = group % keyHeads
    const first = (part % blocks) * 64
    const dK = problem.dK + <usize>batch * problem.dKBatch + <usize>head * problem.dKHead
    const dV = problem.dV + <usize>batch * problem.dVBatch + <usize>head * problem.dVHead
    let partial = problem.partial + <usize>(group * (problem.splits - 1)) * 2 * partialBytes
    for (let split = 1; split < problem.splits; split++, partial += 2 * partialBytes) {
      for (let key = <usize>first; key < <usize>min(first + 64, problem.keys); key++) {
        const from = partial + key * rowBytes
        addRow(dK + key * problem.dKToken, from, rowBytes)
        addRow(dV + key * problem.dVToken, from + partialBytes, rowBytes)
      }
    }
  }
}

// @ts-ignore: decorator
@inline function addRow(to: usize, from: usize, rowBytes: usize): void {
  for (let i: usize = 0; i < rowBytes; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)))
}

function backwardTile(
  problem: Problem,
  batch: i32,
  head: i32,
  tile: i32,
  k: usize,
  v: usize,
  dK: usize,
  dKToken: usize,
  dV: usize,
  dVToken: usize,
  scratch: usize,
): void {
  const start = load<i32>(problem.tileStarts + (<usize>tile << 2))
  const count = min(load<i32>(problem.tileStarts + (<usize>tile << 2), 4), problem.tokens) - start
  const headDim = problem.headDim
  const q = problem.q + <usize>batch * problem.qBatch + <usize>head * problem.qHead + <usize>start * problem.qToken
  const dO = problem.dOut + <usize>batch * problem.dOutBatch + <usize>head * problem.dOutHead + <usize>start * problem.dOutToken
  const queries = scratch + QUERIES
  const dQ = queries + (<usize>headDim << 9)
  packTokens(q, problem.qToken, count, headDim, problem.scale, queries)
  packTokens(dO, problem.dOutToken, count, headDim, problem.scale, queries + (<usize>headDim << 8))
  prepare(problem, batch, head, start, count, dO, scratch)
  memory.fill(dQ, 0, <usize>headDim << 8)
  const rowBytes = <usize>headDim << 2
  // Asked once, when a chunk is not kept whole: -1 is unknown.
  let finite = -1
  // Both ends of the ranges rise from query to query.
  const lowest = at(scratch + LOW, 0)
  const highest = at(scratch + HIGH, 63)
  const allLow = at(scratch + LOW, 63)
  const allHigh = at(scratch + HIGH, 0)

  const maskHead = (batch * problem.heads + head) % problem.maskHeads
  const offsets = problem.entryOffsets + (<usize>(maskHead * problem.tiles + tile) << 2)
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
      const kRows = k + <usize>key * problem.kToken
      const dKRows = dK + <usize>key * dKToken
      const dVRows = dV + <usize>key * dVToken
      const vRows = v + <usize>key * problem.vToken
      const gradients = fetch(dKRows, dKToken, keys, rowBytes) | fetch(dVRows, dVToken, keys, rowBytes)
      const operands = fetch(kRows, problem.kToken, keys, rowBytes) | fetch(vRows, problem.vToken, keys, rowBytes)
      store<i32>(scratch + FETCHED, gradients | operands)
      slopes(problem, scratch, kRows, vRows, count, key, keys, chunkBits, ranged)
      const whole = chunkBits == 0 && !ranged
      if (!whole && finite < 0)
        finite = i32(allFinite(dO, problem.dOutToken, count, rowBytes) && allFinite(q, problem.qToken, count, rowBytes))
      if (whole || (finite == 1 && allFinite(kRows, problem.kToken, keys, rowBytes))) {
        addToKeys(scratch + WEIGHTS, scratch + HIGH, dO, problem.dOutToken, dVRows, dVToken, headDim, count, key, keys, ranged)
        addToKeys(scratch + SLOPES, scratch + HIGH, q, problem.qToken, dKRows, dKToken, headDim, count, key, keys, ranged)
        addToQueries(scratch, kRows, problem.kToken, dQ, headDim, count, key, keys, ranged)
      } else {
        addToKeysByPairs(scratch + WEIGHTS, keys, dO, problem.dOutToken, count, dVRows, dVToken, rowBytes)
        addToKeysByPairs(scratch + SLOPES, keys, q, problem.qToken, count, dKRows, dKToken, rowBytes)
        addToQueriesByPairs(scratch + SLOPES, keys, kRows, problem.kToken, dQ, count, rowBytes)
      }
    }
  }
  let to = problem.dQ + <usize>batch * problem.dQBatch + <usize>head * problem.dQHead + <usize>start * problem.dQToken
  for (let lane = 0; lane < count; lane++, to += problem.dQToken) memory.copy(to, dQ + <usize>lane * rowBytes, rowBytes)
}

/** Ranges, logSumExp, and the scaled sum of dO O of each query. Missing lanes repeat the last query. */
// @ts-ignore: decorator
@inline function prepare(problem: Problem, batch: i32, head: i32, start: i32, count: i32, dO: usize, scratch: usize): void {
  copyRanges(problem, batch, start, count, scratch + LOW, scratch + HIGH)
  const output = problem.out + <usize>batch * problem.outBatch + <usize>head * problem.outHead + <usize>start * problem.outToken
  const log = problem.logSumExp + (<usize>((batch * problem.heads + head) * problem.tokens + start) << 2)
  const rowBytes = <usize>problem.headDim << 2
  for (let lane = 0; lane < 64; lane++) {
    const query = <usize>min(lane, count - 1)
    const at = scratch + (<usize>lane << 2)
    const natural = load<f32>(log + (query << 2))
    // A query without keys has no weights at all: e^(score - infinity).
    store<f32>(at, natural == -Infinity ? Infinity : natural)
    let sum = f32x4.splat(0)
    const x = dO + query * problem.dOutToken
    const y = output + query * problem.outToken
    for (let i: usize = 0; i < rowBytes; i += 16) sum = f32x4.add(sum, f32x4.mul(v128.load(x + i), v128.load(y + i)))
    const low = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1)
    store<f32>(at, problem.scale * (low + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3))), MEAN)
  }
}

/** P and dS of a chunk, 8 queries at a time. */
// @ts-ignore: decorator
@inline function slopes(
  problem: Problem,
  scratch: usize,
  k: usize,
  v: usize,
  count: i32,
  key: i32,
  keys: i32,
  bits: usize,
  ranged: bool,
): void {
  const rowBytes = <usize>problem.headDim << 2
  let panel = scratch + QUERIES
  for (let lane = 0; lane < count; lane += 8, panel += rowBytes << 3) {
    const lanes = scratch + (<usize>lane << 2)
    const weights = lanes + WEIGHTS
    const slope = lanes + SLOPES
    const needed = ranged ? neededKeys(keys, key, at(lanes + HIGH, 7)) : keys
    productRows(k, problem.kToken, rowBytes, panel, weights, needed)
    productRows(v, problem.vToken, rowBytes, panel + (<usize>problem.headDim << 8), slope, needed)
    weigh(weights, slope, needed, lanes, lanes + MEAN)
    weigh(weights + 16, slope + 16, needed, lanes + 16, lanes + MEAN + 16)
    // Whatever logSumExp and dP are, excluded pairs have no part in them.
    if (bits != 0) {
      excludeByBits(weights, needed, bits, lane, 0)
      excludeByBits(slope, needed, bits, lane, 0)
    }
    if (ranged) {
      excludeByRange(weights, needed, key, lanes + LOW, lanes + HIGH, 0)
      excludeByRange(slope, needed, key, lanes + LOW, lanes + HIGH, 0)
      clearRows(weights, needed, keys)
      clearRows(slope, needed, keys)
    }
  }
}

/** Scores become weights, and scaled dP becomes dS, for 4 queries. */
function weigh(weights: usize, slopes: usize, keys: i32, logSumExp: usize, mean: usize): void {
  const zero = f32x4.splat(<f32>keys * 0)
  const log2e = LOG2E(zero)
  const shift = SHIFT(zero)
  const ln2 = MINUS_LN2(zero)
  const least = LEAST(zero)
  const one = ONE(zero)
  const c2 = C2(zero)
  const c3 = C3(zero)
  const c4 = C4(zero)
  const c5 = C5(zero)
  const log = v128.load(logSumExp)
  const average = v128.load(mean)
  for (const end = weights + <usize>keys * STRIDE; weights != end; weights += STRIDE, slopes += STRIDE) {
    const p = exp(f32x4.sub(v128.load(weights), log), log2e, shift, ln2, least, one, c2, c3, c4, c5)
    v128.store(weights, p)
    v128.store(slopes, f32x4.mul(p, f32x4.sub(v128.load(slopes), average)))
  }
}

/** Gradients of keys or values: += A B with A [key][query], B the queries' rows. */
// @ts-ignore: decorator
@inline function addToKeys(
  a: usize,
  high: usize,
  b: usize,
  bToken: usize,
  gradient: usize,
  gradientToken: usize,
  headDim: i32,
  count: i32,
  key: i32,
  keys: i32,
  ranged: bool,
): void {
  let six = sixes(keys)
  for (let row = 0, rows = 0; row < keys; row += rows) {
    rows = six-- > 0 ? ROWS : min(5, keys - row)
    // The first queries of a causal tile do not meet its last keys.
    let lane = 0
    if (ranged) while (lane < count - 1 && at(high, lane) <= key + row) lane++
    const from = a + <usize>row * STRIDE + (<usize>lane << 2)
    const to = gradient + <usize>row * gradientToken
    addRows(from, <usize>(count - lane) << 2, b + <usize>lane * bToken, bToken, to, gradientToken, rows, headDim >> 2)
  }
}

/** dQ += dS^T K, ROWS queries at a time. */
// @ts-ignore: decorator
@inline function addToQueries(
  scratch: usize,
  k: usize,
  kToken: usize,
  dQ: usize,
  headDim: i32,
  count: i32,
  key: i32,
  keys: i32,
  ranged: bool,
): void {
  const stride = <usize>headDim << 2
  let six = sixes(count)
  for (let lane = 0, rows = 0; lane < count; lane += rows, dQ += <usize>rows * stride) {
    rows = six-- > 0 ? ROWS : min(5, count - lane)
    const lanes = scratch + (<usize>lane << 2)
    const needed = ranged ? neededKeys(keys, key, at(lanes + HIGH, rows - 1)) : keys
    if (needed > 0) addColumns(lanes + SLOPES, needed, k, kToken, dQ, stride, rows, headDim >> 2)
  }
}
