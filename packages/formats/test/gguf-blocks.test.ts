import { expect, test } from 'vitest'
import { bytesSource, openGguf } from '../src/index.ts'
import { gguf } from './support/gguf.ts'

/** The bits of a number as f16 that has few digits. */
function half(value: number): [number, number] {
  const view = new DataView(new ArrayBuffer(2))
  view.setFloat16(0, value, true)
  return [view.getUint8(0), view.getUint8(1)]
}

/** Where the scale of a block stands, if not at its beginning. */
const SCALES_AT: Readonly<Record<string, number>> = { Q2_K: 80, Q3_K: 108, Q6_K: 208 }

/** Three blocks of arbitrary bytes, whose scales are numbers. */
function blocks(type: string, bytes: number): Uint8Array {
  const data = new Uint8Array(3 * bytes)
  for (let block = 0; block < 3; block++) {
    const own = data.subarray(block * bytes, (block + 1) * bytes)
    for (let i = 0; i < bytes; i++) own[i] = i * i * 31 + i * 7 + 3 + block * 53
    const at = SCALES_AT[type] ?? 0
    own.set(half(0.25 + block), at)
    if (/_1|Q[245]_K/.test(type)) own.set(half(-1.5 + block), at + 2)
  }
  return data
}

/** Of what the Python package gguf 0.19.0 (`gguf.quants.dequantize`) makes of them: the sum, and that of y[i] * (i + 1). */
const EXPECTED: readonly [type: string, number: number, bytes: number, sum: number, weighted: number][] = [
  ['Q4_0', 2, 18, -21.5, -130],
  ['Q4_1', 3, 20, 869.5, 60513.75],
  ['Q5_0', 6, 22, 34.5, 5534.5],
  ['Q5_1', 7, 24, 1897.5, 130056.25],
  ['Q8_0', 8, 34, 1000, 70156],
  ['Q4_K', 12, 144, 263236, 137317492],
  ['Q5_K', 13, 176, 555876, 296243480],
  ['Q6_K', 14, 210, -46312, -16140740],
  ['Q2_K', 10, 84, 13512.5, 6122679.25],
  ['Q3_K', 11, 110, 10.5, -361613.5],
  ['IQ4_NL', 20, 18, -33, 17490],
]

test.each(EXPECTED)('%s is dequantised as by its authors', async (type, number, bytes, sum, weighted) => {
  const elements = type.endsWith('_K') ? 256 : 32
  const file = await openGguf(
    bytesSource(gguf({}, [{ name: 'w', type: number, shape: [3, elements], data: blocks(type, bytes) }])),
  )
  expect(file.tensors.get('w')).toMatchObject({ dtype: type, shape: [3, elements], byteLength: 3 * bytes })
  const { data } = await file.read('w')
  expect(data.reduce((total, value) => total + value, 0)).toBe(sum)
  expect(data.reduce((total, value, i) => total + value * (i + 1), 0)).toBe(weighted)
  expect((await file.readRaw('w')).data).toEqual(blocks(type, bytes))
})
