// The products of decoding, by rows of keys and values in the order in which they lie in memory: a prefetcher follows one
// row after another at more than 90 % of the rate of plain reading, but two rows at a time at a third of it.
import { madd, sum } from '../lib/vector'

/** scores = scale * query · key of `count` keys. */
export function scoresOfOne(query: usize, keys: usize, count: i32, rowBytes: usize, scale: f32, scores: usize): void {
  const wide = rowBytes & ~127
  for (; count > 0; count--, scores += 4) {
    let a = f32x4.splat(0)
    let b = a
    let c = a
    let d = a
    let e = a
    let f = a
    let g = a
    let h = a
    let q = query
    for (const end = query + wide; q != end; q += 128, keys += 128) {
      a = madd(v128.load(q), v128.load(keys), a)
      b = madd(v128.load(q, 16), v128.load(keys, 16), b)
      c = madd(v128.load(q, 32), v128.load(keys, 32), c)
      d = madd(v128.load(q, 48), v128.load(keys, 48), d)
      e = madd(v128.load(q, 64), v128.load(keys, 64), e)
      f = madd(v128.load(q, 80), v128.load(keys, 80), f)
      g = madd(v128.load(q, 96), v128.load(keys, 96), g)
      h = madd(v128.load(q, 112), v128.load(keys, 112), h)
    }
    for (const end = query + rowBytes; q != end; q += 16, keys += 16) a = madd(v128.load(q), v128.load(keys), a)
    const low = f32x4.add(f32x4.add(a, b), f32x4.add(c, d))
    store<f32>(scores, scale * sum(f32x4.add(low, f32x4.add(f32x4.add(e, f), f32x4.add(g, h)))))
  }
}

/** Lane i: the sum of the four lanes of the i-th argument. */
// @ts-ignore: decorator
@inline function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(
    i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23),
    i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31),
  )
  const cd = f32x4.add(
    i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23),
    i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31),
  )
  return f32x4.add(i64x2.shuffle(ab, cd, 0, 2), i64x2.shuffle(ab, cd, 1, 3))
}

/**
 * As `scoresOfOne`, for four queries whose scores lie `scoreBytes` apart. Those beyond `rows` repeat the first query, and are
 * stored in its place before it.
 */
export function scoresOfFour(
  query: usize,
  query1: usize,
  query2: usize,
  query3: usize,
  keys: usize,
  count: i32,
  rowBytes: usize,
  scale: f32,
  scores: usize,
  scoreBytes: usize,
  rows: i32,
): void {
  let s1 = rows > 1 ? scores + scoreBytes : scores
  let s2 = rows > 2 ? scores + 2 * scoreBytes : scores
  let s3 = rows > 3 ? scores + 3 * scoreBytes : scores
  const factor = f32x4.splat(scale)
  const wide = rowBytes & ~31
  for (; count > 0; count--, scores += 4, s1 += 4, s2 += 4, s3 += 4) {
    let a = f32x4.splat(0)
    let b = a
    let c = a
    let d = a
    let e = a
    let f = a
    let g = a
    let h = a
    let i: usize = 0
    for (; i != wide; i += 32, keys += 32) {
      const x = v128.load(keys)
      const y = v128.load(keys, 16)
      a = madd(v128.load(query + i), x, a)
      e = madd(v128.load(query + i, 16), y, e)
      b = madd(v128.load(query1 + i), x, b)
      f = madd(v128.load(query1 + i, 16), y, f)
      c = madd(v128.load(query2 + i), x, c)
      g = madd(v128.load(query2 + i, 16), y, g)
      d = madd(v128.load(query3 + i), x, d)
      h = madd(v128.load(query3 + i, 16), y, h)
    }
    if (i != rowBytes) {
      const x = v128.load(keys)
      a = madd(v128.load(query + i), x, a)
      b = madd(v128.load(query1 + i), x, b)
      c = madd(v128.load(query2 + i), x, c)
      d = madd(v128.load(query3 + i), x, d)
      keys += 16
    }
    const result = f32x4.mul(factor, sums(f32x4.add(a, e), f32x4.add(b, f), f32x4.add(c, g), f32x4.add(d, h)))
    v128.store32_lane(s3, result, 3)
    v128.store32_lane(s2, result, 2)
    v128.store32_lane(s1, result, 1)
    v128.store32_lane(scores, result, 0)
  }
}

/** output += weights · values of `count` tokens. */
export function valuesOfOne(output: usize, values: usize, count: i32, rowBytes: usize, weights: usize): void {
  const wide = rowBytes & ~63
  for (; count > 0; count--, weights += 4) {
    const p = v128.load32_splat(weights)
    let o = output
    for (const end = output + wide; o != end; o += 64, values += 64) {
      v128.store(o, madd(p, v128.load(values), v128.load(o)))
      v128.store(o, madd(p, v128.load(values, 16), v128.load(o, 16)), 16)
      v128.store(o, madd(p, v128.load(values, 32), v128.load(o, 32)), 32)
      v128.store(o, madd(p, v128.load(values, 48), v128.load(o, 48)), 48)
    }
    for (const end = output + rowBytes; o != end; o += 16, values += 16) v128.store(o, madd(p, v128.load(values), v128.load(o)))
  }
}

/** As `valuesOfOne`, for four queries, whose outputs lie `outputBytes` apart and weights `weightBytes`. See `scoresOfFour`. */
export function valuesOfFour(
  output: usize,
  outputBytes: usize,
  values: usize,
  count: i32,
  rowBytes: usize,
  weights: usize,
  weightBytes: usize,
  rows: i32,
): void {
  const output1: usize = rows > 1 ? outputBytes : 0
  const output2: usize = rows > 2 ? outputBytes << 1 : 0
  const output3: usize = rows > 3 ? 3 * outputBytes : 0
  const weights1: usize = rows > 1 ? weightBytes : 0
  const weights2: usize = rows > 2 ? weightBytes << 1 : 0
  const weights3: usize = rows > 3 ? 3 * weightBytes : 0
  for (; count > 0; count--, weights += 4) {
    const a = v128.load32_splat(weights)
    const b = v128.load32_splat(weights + weights1)
    const c = v128.load32_splat(weights + weights2)
    const d = v128.load32_splat(weights + weights3)
    for (const end = output + rowBytes; output != end; output += 16, values += 16) {
      const x = v128.load(values)
      const o3 = madd(d, x, v128.load(output + output3))
      const o2 = madd(c, x, v128.load(output + output2))
      const o1 = madd(b, x, v128.load(output + output1))
      const o = madd(a, x, v128.load(output))
      v128.store(output + output3, o3)
      v128.store(output + output2, o2)
      v128.store(output + output1, o1)
      v128.store(output, o)
    }
    output -= rowBytes
  }
}
