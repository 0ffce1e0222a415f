import { describe, expect, test } from 'vitest'
import { fromF8E4M3Bits, toElements, toFloats } from '../src/index.ts'

const bytesOf = (data: ArrayBufferView<ArrayBuffer>) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

describe('elements', () => {
  test('every half-precision number is widened as the runtime does', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i)
    const expected = new DataView(bits.buffer)
    const halves = toFloats(bytesOf(bits), 'F16')!
    expect(halves.every((value, i) => Object.is(value, expected.getFloat16(2 * i, true)))).toBe(true)
    const brains = toFloats(bytesOf(bits), 'BF16')!
    const upper = new Float32Array(Uint32Array.from(bits, (bit) => bit << 16).buffer)
    expect(brains.every((value, i) => Object.is(value, upper[i]))).toBe(true)
  })

  test('numbers of eight bits', () => {
    // The tables of arXiv 2209.05433.
    const e4m3 = [0x00, 0x01, 0x07, 0x08, 0x38, 0xb8, 0x7e, 0x7f, 0xff]
    const numbers = [0, 2 ** -9, 7 * 2 ** -9, 2 ** -6, 1, -1, 448, Number.NaN, Number.NaN]
    expect(e4m3.map(fromF8E4M3Bits)).toEqual(numbers)
    expect([...toFloats(Uint8Array.from(e4m3), 'F8_E4M3')!]).toEqual(numbers)
    const e5m2 = [0x01, 0x03, 0x04, 0x3c, 0x7b, 0x7c, 0xfc]
    expect([...toFloats(Uint8Array.from(e5m2), 'F8_E5M2')!]).toEqual([
      2 ** -16,
      3 * 2 ** -16,
      2 ** -14,
      1,
      57344,
      Infinity,
      -Infinity,
    ])
  })

  test('each type has its array, wherever the bytes lie', () => {
    const types = { F64: Float64Array, I64: BigInt64Array, U64: BigUint64Array, F32: Float32Array, I32: Int32Array }
    const small = { U32: Uint32Array, I16: Int16Array, U16: Uint16Array, I8: Int8Array, U8: Uint8Array }
    for (const [dtype, type] of Object.entries({ ...types, ...small })) {
      const shifted = new Uint8Array(17).subarray(1)
      shifted[0] = 1
      const elements = toElements(shifted, dtype)
      expect(elements).toBeInstanceOf(type)
      expect(elements).toHaveLength(16 / type.BYTES_PER_ELEMENT)
      expect(new Uint8Array(elements.buffer, elements.byteOffset)[0]).toBe(1)
    }
    expect(toFloats(new Uint8Array(8), 'I32')).toBeUndefined()
    expect([...toFloats(bytesOf(Float64Array.of(0.1, 1e300)), 'F64')!]).toEqual([Math.fround(0.1), Infinity])
  })
})
