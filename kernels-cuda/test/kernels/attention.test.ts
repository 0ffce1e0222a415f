import { fromF16Bits, toF16Bits } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { tilesOf } from '../attention-tiles.ts'
import { noEmulator, openDevice } from '../emulator.ts'
import { numbers } from '../numbers.ts'

interface Case {
  batch: number
  heads: number
  keyHeads: number
  tokens: number
  keys: number
  headDim: number
  causal: boolean
  masked: boolean
}

const CASES: Case[] = [
  { batch: 1, heads: 1, keyHeads: 1, tokens: 1, keys: 1, headDim: 64, causal: false, masked: false },
  { batch: 1, heads: 2, keyHeads: 1, tokens: 70, keys: 130, headDim: 64, causal: true, masked: false },
  { batch: 2, heads: 2, keyHeads: 2, tokens: 65, keys: 64, headDim: 64, causal: false, masked: true },
  { batch: 1, heads: 4, keyHeads: 2, tokens: 130, keys: 200, headDim: 64, causal: true, masked: true },
  { batch: 1, heads: 1, keyHeads: 1, tokens: 100, keys: 100, headDim: 128, causal: true, masked: true },
]

const half = (values: Float32Array) => Uint16Array.from(values, toF16Bits)
const rounded = (values: Float32Array) => values.map((value) => fromF16Bits(toF16Bits(value)))

/** softmax(scale q kᵀ) v in f64 with the bound of every element: one rounding of weights and of the result to 16 bits. */
function reference(
  { batch, heads, keyHeads, tokens, keys, headDim, ...rest }: Case,
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
) {
  const output = new Float64Array(q.length)
  const sizes = new Float64Array(q.length)
  const logSumExp = new Float64Array(batch * heads * tokens)
  for (let row = 0; row < logSumExp.length; row++) {
    const [query, head, b] = [row % tokens, Math.floor(row / tokens) % heads, Math.floor(row / tokens / heads)]
    const base = (b * keyHeads + Math.floor((head * keyHeads) / heads)) * keys
    const scores = Array.from({ length: keys }, (_, key) => {
      if (!keeps(rest, head, query, key, keys - tokens)) return Number.NEGATIVE_INFINITY
      let sum = 0
      for (let d = 0; d < headDim; d++) sum += q[row * headDim + d] * k[(base + key) * headDim + d]
      return sum / Math.sqrt(headDim)
    })
    const largest = Math.max(...scores)
    const weights = scores.map((score) => (largest === Number.NEGATIVE_INFINITY ? 0 : Math.exp(score - largest)))
    const sum = weights.reduce((a, w) => a + w, 0)
    logSumExp[row] = sum === 0 ? Number.NEGATIVE_INFINITY : largest + Math.log(sum)
    for (let d = 0; d < headDim; d++)
      for (let key = 0; key < keys && sum > 0; key++) {
        const part = (weights[key] / sum) * v[(base + key) * headDim + d]
        output[row * headDim + d] += part
        sizes[row * headDim + d] += Math.abs(part)
      }
  }
  return { output, sizes, logSumExp }
}

function keeps(
  { causal, masked }: { causal: boolean; masked: boolean },
  head: number,
  query: number,
  key: number,
  ahead: number,
) {
  if (causal && key > query + ahead) return false
  // Single pairs, whole tiles left out, and one query without any key.
  return !masked || (query !== 3 && (query * 7 + key * 3 + head) % 5 < 3 && (query >> 6) + (key >> 6) !== 1)
}

/** dQ, dK and dV in f64, each with the sum of the magnitudes of its addends. */
function gradients(
  { batch, heads, keyHeads, tokens, keys, headDim, ...rest }: Case,
  [q, k, v, d, output]: readonly (Float32Array | Float64Array)[],
  logSumExp: Float64Array,
) {
  const [dQ, dK, dV, sizesQ, sizesK, sizesV] = [q, k, v, q, k, v].map(({ length }) => new Float64Array(length))
  const scale = 1 / Math.sqrt(headDim)
  const dot = (a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number) => {
    let sum = 0
    for (let c = 0; c < headDim; c++) sum += a[i * headDim + c] * b[j * headDim + c]
    return sum
  }
  for (let row = 0; row < batch * heads * tokens; row++) {
    const [query, head, b] = [row % tokens, Math.floor(row / tokens) % heads, Math.floor(row / tokens / heads)]
    const base = (b * keyHeads + Math.floor((head * keyHeads) / heads)) * keys
    const delta = dot(d, row, output, row)
    for (let key = 0; key < keys; key++) {
      if (!keeps(rest, head, query, key, keys - tokens)) continue
      const weight = Math.exp(scale * dot(q, row, k, base + key) - logSumExp[row])
      const dWeight = dot(d, row, v, base + key)
      const dScore = scale * weight * (dWeight - delta)
      // What the difference is made of counts: it may cancel.
      const size = scale * weight * (Math.abs(dWeight) + Math.abs(delta))
      for (let c = 0; c < headDim; c++) {
        const [at, to] = [row * headDim + c, (base + key) * headDim + c]
        dQ[at] += dScore * k[to]
        dK[to] += dScore * q[at]
        dV[to] += weight * d[at]
        sizesQ[at] += size * Math.abs(k[to])
        sizesK[to] += size * Math.abs(q[at])
        sizesV[to] += weight * Math.abs(d[at])
      }
    }
  }
  return [
    [dQ, sizesQ],
    [dK, sizesK],
    [dV, sizesV],
  ] as const
}

/** Every element within a few roundings to 16 bits of what it is the sum of. */
function expectClose(got: ArrayBuffer, values: Float64Array, sizes: Float64Array, what: string) {
  const numbers = new Uint16Array(got)
  for (const [i, value] of values.entries())
    expect(Math.abs(fromF16Bits(numbers[i]) - value), `${what}: element ${i}`).toBeLessThanOrEqual(
      2 ** -9 * sizes[i] + 2 ** -13,
    )
}

describe.skipIf(noEmulator)('attention on the device', () => {
  it.each(CASES)('%j', async (given) => {
    const { batch, heads, keyHeads, tokens, keys, headDim, causal, masked } = given
    const device = openDevice()
    const [queries, pairs] = [batch * heads * tokens * headDim, batch * keyHeads * keys * headDim]
    const [q, k, v, d] = [queries, pairs, pairs, queries].map((count, i) => rounded(numbers(count, i + 1)))
    const masks = masked
      ? tilesOf((head, query, key) => keeps({ causal: false, masked }, head, query, key, 0), heads, tokens, keys)
      : undefined
    const upload = (data: ArrayBufferView | undefined) => data && device.upload(data)
    const ends = Uint32Array.from({ length: tokens }, (_, i) => (causal ? Math.max(0, i + 1 + keys - tokens) : keys))
    const output = device.allocate(2 * queries)
    const logSumExp = device.allocate(4 * batch * heads * tokens)
    const common = {
      q: device.upload(half(q)),
      k: device.upload(half(k)),
      v: device.upload(half(v)),
      output,
      logSumExp,
      low: device.upload(new Uint32Array(tokens)),
      high: device.upload(ends),
      offsets: upload(masks?.byQueries.offsets),
      tiles: upload(masks?.byQueries.tiles),
      partial: upload(masks?.byQueries.partial),
      bits: upload(masks?.bits),
      batch,
      heads,
      keyHeads,
      tokens,
      keys,
      headDim,
      maskHeads: heads,
      rangesPerBatch: 0,
      scale: 1 / Math.sqrt(headDim),
      type: 1,
    }
    device.launch('attention', common)
    const expected = reference(given, q, k, v)
    expectClose(await device.read(output), expected.output, expected.sizes, 'output')
    const sums = new Float32Array(await device.read(logSumExp))
    for (const [i, value] of expected.logSumExp.entries())
      if (value === Number.NEGATIVE_INFINITY) expect(sums[i]).toBe(value)
      else expect(sums[i]).toBeCloseTo(value, 4)

    const results = [queries, pairs, pairs].map((count) => device.allocate(2 * count))
    device.launch('attention_backward', {
      ...common,
      dOutput: device.upload(half(d)),
      delta: device.allocate(4 * batch * heads * tokens),
      dQ: results[0],
      dK: results[1],
      dV: results[2],
      keyOffsets: upload(masks?.byKeys.offsets),
      queryTiles: upload(masks?.byKeys.tiles),
      keyPartial: upload(masks?.byKeys.partial),
    })
    const slopes = gradients(given, [q, k, v, d, expected.output], expected.logSumExp)
    for (const [i, [values, sizes]] of slopes.entries())
      expectClose(await device.read(results[i]), values, sizes, ['dQ', 'dK', 'dV'][i])
  })
})
