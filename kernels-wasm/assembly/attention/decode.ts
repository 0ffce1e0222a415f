// A few queries against a paged cache of keys and values. Memory sets the pace: every page is read once per key head, for
// all queries of its group while it is in cache. Scores of a query stand in a row.
import { madd, sum } from '../lib/vector'
import { C2, C3, C4, C5, exp, LEAST, ln, LOG2E, MINUS_LN2, ONE, SHIFT } from './exponential'
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
  /** Pages of [keyHeads, pageSize, headDim]. */
  keys: usize
  values: usize
  /** Bytes of a page that belong to one key head. */
  headBytes: usize
  /** Query heads for each key head. */
  group: i32
  tokens: i32
  headDim: i32
  scale: f32
  /** 1: all key heads share the entries. */
  entryHeads: i32
  /** i32 [entryHeads + 1], into entries. */
  entryOffsets: usize
  /** Triples of i32: byte offset of the page, its tokens, position of its first token in the sequence. */
  entries: usize
  /** Query t sees the positions below limit + t * limitStep. */
  limit: i32
  limitStep: i32
  scratch: usize
  /** Bytes of scratch of each key head. */
  scratchBytes: usize
  pageSize: i32
}

/** Computes key heads `begin` to `end` - 1. Scratch of each: headDim + 2 floats for each query of the group, and a page's scores. */
export function decode(problem: DecodeProblem, begin: i32, end: i32): void {
  for (let head = begin; head < end; head++) decodeHead(problem, head, problem.scratch + <usize>head * problem.scratchBytes)
}

function decodeHead(problem: DecodeProblem, head: i32, scratch: usize): void {
  const rows = problem.group * problem.tokens
  const rowBytes = <usize>problem.headDim << 2
  const stateBytes = rowBytes + 16
  const scores = scratch + <usize>rows * stateBytes
  for (let row = 0; row < rows; row++) {
    const state = scratch + <usize>row * stateBytes
    memory.fill(state, 0, stateBytes)
    store<f32>(state, LOWEST)
  }
  const list = problem.entryHeads == 1 ? 0 : head
  const offsets = problem.entryOffsets + (<usize>list << 2)
  const last = problem.entries + <usize>load<i32>(offsets, 4) * 12
  for (let entry = problem.entries + <usize>load<i32>(offsets) * 12; entry < last; entry += 12) {
    const at = <usize>load<u32>(entry) + <usize>head * problem.headBytes
    const tokens = load<i32>(entry, 4)
    const position = load<i32>(entry, 8)
    for (let row = 0; row < rows; row++) {
      const seen = min(tokens, problem.limit + (row % problem.tokens) * problem.limitStep - position)
      if (seen > 0) attend(problem, queryOf(problem, head, row), problem.keys + at, problem.values + at, seen, scratch + <usize>row * stateBytes, scores)
    }
  }
  for (let row = 0; row < rows; row++) finishRow(problem, head, row, scratch + <usize>row * stateBytes)
}

// @ts-ignore: decorator
@inline function queryOf(problem: DecodeProblem, head: i32, row: i32): usize {
  const queryHead = head * problem.group + row / problem.tokens
  return problem.q + <usize>queryHead * problem.qHead + <usize>(row % problem.tokens) * problem.qToken
}

/** One query and `count` tokens of a page. State of a query: maximum, sum, and from byte 16 on its output. */
function attend(problem: DecodeProblem, query: usize, keys: usize, values: usize, count: i32, state: usize, scores: usize): void {
  const rowBytes = <usize>problem.headDim << 2
  const lanes = (count + 3) & ~3
  for (let token = 0; token < count; token += 4, keys += rowBytes << 2)
    v128.store(scores + (<usize>token << 2), dots(query, keys, rowBytes, problem.scale, count - token))
  const sums = weigh(scores, lanes, state, rowBytes)
  store<f32>(state, sums, 4)
  for (let token = 0; token < count; token += 4, values += rowBytes << 2)
    addValues(state + 16, values, rowBytes, scores + (<usize>token << 2), count - token)
}

/** scale * query · key of four keys; -infinity for those beyond `count`. */
// @ts-ignore: decorator
@inline function dots(query: usize, keys: usize, rowBytes: usize, scale: f32, count: i32): v128 {
  let a = keys
  let b = count > 1 ? keys + rowBytes : keys
  let c = count > 2 ? keys + 2 * rowBytes : keys
  let d = count > 3 ? keys + 3 * rowBytes : keys
  let s0 = f32x4.splat(0)
  let s1 = s0
  let s2 = s0
  let s3 = s0
  for (const end = query + rowBytes; query != end; query += 16, a += 16, b += 16, c += 16, d += 16) {
    const q = v128.load(query)
    s0 = madd(q, v128.load(a), s0)
    s1 = madd(q, v128.load(b), s1)
    s2 = madd(q, v128.load(c), s2)
    s3 = madd(q, v128.load(d), s3)
  }
  const low = i8x16.shuffle(s0, s1, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const low2 = i8x16.shuffle(s0, s1, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  const high = i8x16.shuffle(s2, s3, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const high2 = i8x16.shuffle(s2, s3, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  const x = f32x4.add(low, low2)
  const y = f32x4.add(high, high2)
  const total = f32x4.mul(f32x4.splat(scale), f32x4.add(i64x2.shuffle(x, y, 0, 2), i64x2.shuffle(x, y, 1, 3)))
  return v128.bitselect(total, f32x4.splat(-Infinity), i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count)))
}

/** Scores become weights; the output so far is scaled where the maximum rose. Returns the new sum. */
// @ts-ignore: decorator
@inline function weigh(scores: usize, lanes: i32, state: usize, rowBytes: usize): f32 {
  const old = v128.load32_splat(state)
  const end = scores + (<usize>lanes << 2)
  let m = old
  for (let at = scores; at != end; at += 16) m = f32x4.pmax(m, v128.load(at))
  m = f32x4.pmax(m, i8x16.shuffle(m, m, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  m = f32x4.pmax(m, i8x16.shuffle(m, m, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11))
  const zero = f32x4.splat(<f32>lanes * 0)
  const log2e = LOG2E(zero)
  const shift = SHIFT(zero)
  const ln2 = MINUS_LN2(zero)
  const least = LEAST(zero)
  const one = ONE(zero)
  const c2 = C2(zero)
  const c3 = C3(zero)
  const c4 = C4(zero)
  const c5 = C5(zero)
  const factor = exp(f32x4.sub(old, m), log2e, shift, ln2, least, one, c2, c3, c4, c5)
  let total = zero
  for (let at = scores; at != end; at += 16) {
    const p = exp(f32x4.sub(v128.load(at), m), log2e, shift, ln2, least, one, c2, c3, c4, c5)
    v128.store(at, p)
    total = f32x4.add(total, p)
  }
  for (let at = state + 16; at != state + 16 + rowBytes; at += 16) v128.store(at, f32x4.mul(factor, v128.load(at)))
  v128.store32_lane(state, m, 0)
  return f32x4.extract_lane(factor, 0) * load<f32>(state, 4) + sum(total)
}

/** output += weights · values of up to four tokens. */
// @ts-ignore: decorator
@inline function addValues(output: usize, values: usize, rowBytes: usize, weights: usize, count: i32): void {
  let a = values
  let b = count > 1 ? values + rowBytes : values
  let c = count > 2 ? values + 2 * rowBytes : values
  let d = count > 3 ? values + 3 * rowBytes : values
  // Tokens that are missing have a weight of 0, and the first token's values.
  const p0 = v128.load32_splat(weights)
  const p1 = v128.load32_splat(weights, 4)
  const p2 = v128.load32_splat(weights, 8)
  const p3 = v128.load32_splat(weights, 12)
  for (const end = output + rowBytes; output != end; output += 16, a += 16, b += 16, c += 16, d += 16) {
    const low = madd(p1, v128.load(b), madd(p0, v128.load(a), v128.load(output)))
    v128.store(output, madd(p3, v128.load(d), madd(p2, v128.load(c), low)))
  }
}

// @ts-ignore: decorator
@inline function finishRow(problem: DecodeProblem, head: i32, row: i32, state: usize): void {
  const queryHead = head * problem.group + row / problem.tokens
  const token = row % problem.tokens
  const out = problem.out + <usize>queryHead * problem.outHead + <usize>token * problem.outToken
  const log = problem.logSumExp + (<usize>(queryHead * problem.tokens + token) << 2)
  const rowBytes = <usize>problem.headDim << 2
  const total = load<f32>(state, 4)
  if (total == 0) {
    memory.fill(out, 0, rowBytes)
    store<f32>(log, -Infinity)
    return
  }
  const inverse = f32x4.splat(1 / total)
  for (let i: usize = 0; i < rowBytes; i += 16) v128.store(out + i, f32x4.mul(inverse, v128.load(state + i, 16)))
  store<f32>(log, load<f32>(state) + (total > 0 ? f32x4.extract_lane(ln(f32x4.splat(total)), 0) : total))
}
