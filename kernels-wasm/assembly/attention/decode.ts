// A few queries against a paged cache of keys and values. Memory sets the pace, so the pages of a key head are read once and
// in the order in which they lie, rows of headDim one after another. The work is cut into units of several pages, which do not
// depend on the number of threads; each has its own online softmax, and what the units of a head found is merged in order.
import { scoresOfFour, scoresOfOne, valuesOfFour, valuesOfOne } from './decode-rows'
import { exp4, weigh } from './decode-softmax'
import { ln } from './exponential'
import { LOWEST } from './softmax'

/** One call, laid out as 32-bit fields by the host (see packages/attention/src/kernels/wasm/decode.ts). Strides in bytes. */
@unmanaged
export class DecodeProblem {
  q: usize
  qHead: usize
  qToken: usize
  out: usize
  outHead: usize
  outToken: usize
  /** f32 [heads, tokens]. */
  logSumExp: usize
  /** [keyHeads, pages, pageSize, headDim]. */
  keys: usize
  values: usize
  /** Bytes of the pages of a key head. */
  headBytes: usize
  /** Query heads for each key head. */
  group: i32
  tokens: i32
  headDim: i32
  scale: f32
  /** Triples of i32: byte offset of the page, its tokens, position of its first token in the sequence. */
  entries: usize
  /** Triples of i32: key head, first entry, the one after the last. */
  units: usize
  /** i32 [keyHeads + 1], into units. */
  unitOffsets: usize
  /** i32 [parts + 1]: first unit of each part. */
  bounds: usize
  /** Query t sees the positions below limit + t * limitStep. */
  limit: i32
  limitStep: i32
  /** For each unit and query of its group: maximum, sum, two unused floats, output. */
  states: usize
  unitBytes: usize
  /** Scores, for each part. */
  scratch: usize
  scratchBytes: usize
  /** Entries that are scored before their values are read. */
  chunk: i32
  /** Bytes of the scores of a query and a page: a multiple of 16. */
  pageScores: usize
}

/** Computes the units of parts `begin` to `end` - 1. Scratch: scores of a chunk for each query of a group. */
export function decode(problem: DecodeProblem, begin: i32, end: i32): void {
  for (let part = begin; part < end; part++) {
    const to = load<i32>(problem.bounds + (<usize>part << 2), 4)
    const scores = problem.scratch + <usize>part * problem.scratchBytes
    for (let unit = load<i32>(problem.bounds + (<usize>part << 2)); unit < to; unit++) decodeUnit(problem, unit, scores)
  }
}

function decodeUnit(problem: DecodeProblem, unit: i32, scores: usize): void {
  const fields = problem.units + <usize>unit * 12
  const head = load<i32>(fields)
  const last = load<i32>(fields, 8)
  const rows = problem.group * problem.tokens
  const rowBytes = <usize>problem.headDim << 2
  const stateBytes = rowBytes + 16
  const states = problem.states + <usize>unit * problem.unitBytes
  const scoreBytes = <usize>problem.chunk * problem.pageScores
  for (let row = 0; row < rows; row++) {
    const state = states + <usize>row * stateBytes
    memory.fill(state, 0, stateBytes)
    store<f32>(state, LOWEST)
  }
  for (let from = load<i32>(fields, 4); from < last; from += problem.chunk) {
    const to = min(from + problem.chunk, last)
    for (let entry = from, page = scores; entry < to; entry++, page += problem.pageScores)
      scorePage(problem, head, entry, rows, page, scoreBytes)
    const bytes = <usize>(to - from) * problem.pageScores
    for (let row = 0; row < rows; row++)
      weigh(scores + <usize>row * scoreBytes, bytes, states + <usize>row * stateBytes, rowBytes)
    for (let entry = from, page = scores; entry < to; entry++, page += problem.pageScores)
      addPage(problem, head, entry, rows, page, scoreBytes, states + 16, stateBytes)
  }
}

/** Tokens of an entry that query `row` of a group sees. */
// @ts-ignore: decorator
@inline function seen(problem: DecodeProblem, entry: usize, row: i32): i32 {
  const limit = problem.limit + (row % problem.tokens) * problem.limitStep
  return max(min(load<i32>(entry, 4), limit - load<i32>(entry, 8)), 0)
}

// @ts-ignore: decorator
@inline function queryOf(problem: DecodeProblem, head: i32, row: i32): usize {
  const queryHead = head * problem.group + row / problem.tokens
  return problem.q + <usize>queryHead * problem.qHead + <usize>(row % problem.tokens) * problem.qToken
}

/** Scores of a page, `scoreBytes` apart for the queries of a group; -infinity behind the last token that a query sees. */
function scorePage(problem: DecodeProblem, head: i32, index: i32, rows: i32, scores: usize, scoreBytes: usize): void {
  const entry = problem.entries + <usize>index * 12
  const keys = problem.keys + <usize>head * problem.headBytes + <usize>load<u32>(entry)
  const rowBytes = <usize>problem.headDim << 2
  // All queries see what the first token sees.
  const common = seen(problem, entry, 0)
  for (let row = 0; rows > 1 && row < rows; row += 4) {
    const q = queryOf(problem, head, row)
    const q1 = row + 1 < rows ? queryOf(problem, head, row + 1) : q
    const q2 = row + 2 < rows ? queryOf(problem, head, row + 2) : q
    const q3 = row + 3 < rows ? queryOf(problem, head, row + 3) : q
    scoresOfFour(q, q1, q2, q3, keys, common, rowBytes, problem.scale, scores + <usize>row * scoreBytes, scoreBytes, rows - row)
  }
  for (let row = 0; row < rows; row++, scores += scoreBytes) {
    const done = rows > 1 ? common : 0
    const own = seen(problem, entry, row)
    const rest = keys + <usize>done * rowBytes
    scoresOfOne(queryOf(problem, head, row), rest, own - done, rowBytes, problem.scale, scores + (<usize>done << 2))
    for (let at = <usize>own << 2; at < problem.pageScores; at += 4) store<f32>(scores + at, -Infinity)
  }
}

/** Adds the weighted values of a page to the outputs of a group, `stateBytes` apart. */
function addPage(
  problem: DecodeProblem,
  head: i32,
  index: i32,
  rows: i32,
  weights: usize,
  scoreBytes: usize,
  outputs: usize,
  stateBytes: usize,
): void {
  const entry = problem.entries + <usize>index * 12
  const values = problem.values + <usize>head * problem.headBytes + <usize>load<u32>(entry)
  const rowBytes = <usize>problem.headDim << 2
  const done = rows > 1 ? seen(problem, entry, 0) : 0
  for (let row = 0; rows > 1 && row < rows; row += 4) {
    const output = outputs + <usize>row * stateBytes
    valuesOfFour(output, stateBytes, values, done, rowBytes, weights + <usize>row * scoreBytes, scoreBytes, rows - row)
  }
  const rest = values + <usize>done * rowBytes
  for (let row = 0; row < rows; row++, outputs += stateBytes, weights += scoreBytes)
    valuesOfOne(outputs, rest, seen(problem, entry, row) - done, rowBytes, weights + (<usize>done << 2))
}

/** Merges what the units of key heads `begin` to `end` - 1 found, and writes their outputs and log-sum-exp. */
export function decodeMerge(problem: DecodeProblem, begin: i32, end: i32): void {
  const rows = problem.group * problem.tokens
  const stateBytes = (<usize>problem.headDim << 2) + 16
  for (let head = begin; head < end; head++) {
    const offsets = problem.unitOffsets + (<usize>head << 2)
    const from = problem.states + <usize>load<i32>(offsets) * problem.unitBytes
    const to = problem.states + <usize>load<i32>(offsets, 4) * problem.unitBytes
    for (let row = 0; row < rows; row++) {
      const skip = <usize>row * stateBytes
      mergeRow(problem, head * problem.group + row / problem.tokens, row % problem.tokens, from + skip, to + skip)
    }
  }
}

function mergeRow(problem: DecodeProblem, queryHead: i32, token: i32, from: usize, to: usize): void {
  const out = problem.out + <usize>queryHead * problem.outHead + <usize>token * problem.outToken
  const log = problem.logSumExp + (<usize>(queryHead * problem.tokens + token) << 2)
  const rowBytes = <usize>problem.headDim << 2
  let maximum = LOWEST
  for (let state = from; state < to; state += problem.unitBytes) maximum = max(maximum, load<f32>(state))
  let total: f32 = 0
  for (let state = from; state < to; state += problem.unitBytes) {
    // The factor of a unit takes the place of its maximum.
    const factor = f32x4.extract_lane(exp4(f32x4.splat(load<f32>(state) - maximum)), 0)
    total += factor * load<f32>(state, 4)
    store<f32>(state, factor)
  }
  if (total == 0) {
    memory.fill(out, 0, rowBytes)
    store<f32>(log, -Infinity)
    return
  }
  const inverse = f32x4.splat(1 / total)
  for (let i: usize = 0; i < rowBytes; i += 16) {
    let sum = f32x4.splat(0)
    for (let state = from; state < to; state += problem.unitBytes)
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(state), v128.load(state + i, 16)))
    v128.store(out + i, f32x4.mul(inverse, sum))
  }
  store<f32>(log, maximum + (total > 0 ? f32x4.extract_lane(ln(f32x4.splat(total)), 0) : total))
}
