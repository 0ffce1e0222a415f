import { fromF16Bits, tensor, toF16Bits } from '@nnz/core'
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

describe.skipIf(noEmulator)('attention on the device', () => {
  it.each(CASES)('%j', async (given) => {
    const { batch, heads, keyHeads, tokens, keys, headDim, causal, masked } = given
    const device = openDevice()
    const [q, k, v] = [
      rounded(numbers(batch * heads * tokens * headDim, 1)),
      rounded(numbers(batch * keyHeads * keys * headDim, 2)),
      rounded(numbers(batch * keyHeads * keys * headDim, 3)),
    ]
    const tiles = masked
      ? tilesOf((head, query, key) => keeps({ causal: false, masked }, head, query, key, 0), heads, tokens, keys)
      : undefined
    const ends = Uint32Array.from({ length: tokens }, (_, i) => (causal ? Math.max(0, i + 1 + keys - tokens) : keys))
    const output = device.allocate(2 * q.length)
    const logSumExp = device.allocate(4 * batch * heads * tokens)
    device.launch('attention', {
      q: device.upload(half(q)),
      k: device.upload(half(k)),
      v: device.upload(half(v)),
      output,
      logSumExp,
      low: device.upload(new Uint32Array(tokens)),
      high: device.upload(ends),
      offsets: tiles && device.upload(tiles.offsets),
      tiles: tiles && device.upload(tiles.tiles),
      partial: tiles && device.upload(tiles.partial),
      bits: tiles && device.upload(tiles.bits),
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
    })
    const got = tensor(Float32Array.from(new Uint16Array(await device.read(output)), fromF16Bits), [q.length])
    const sums = new Float32Array(await device.read(logSumExp))
    const expected = reference(given, q, k, v)
    for (const [i, value] of expected.output.entries())
      expect(Math.abs(got.data[i] - value), `element ${i}`).toBeLessThanOrEqual(2 ** -9 * expected.sizes[i] + 2 ** -14)
    for (const [i, value] of expected.logSumExp.entries())
      if (value === Number.NEGATIVE_INFINITY) expect(sums[i]).toBe(value)
      else expect(sums[i]).toBeCloseTo(value, 4)
  })
})
