import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { F16_MAX, fromBf16Bits, fromF16Bits, toBf16Bits, toF16Bits } from '../src/compact/half.ts'
import { bsr } from '../src/layouts/bsr.ts'
import { coo } from '../src/layouts/coo.ts'
import { csc } from '../src/layouts/csc.ts'
import { csr } from '../src/layouts/csr.ts'
import { dense } from '../src/layouts/dense.ts'
import { ensureChecked } from '../src/layouts/ensure-checked.ts'
import { nm } from '../src/layouts/nm.ts'
import { nmg } from '../src/layouts/nmg.ts'

const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)

/** Nearest of all finite f16 or bf16, ties to the even bits: by search, not by arithmetic. */
function nearest(value: number, fromBits: (bits: number) => number, infinity: number): number {
  let [low, high] = [0, infinity]
  const magnitude = Math.abs(value)
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (fromBits(middle) <= magnitude) low = middle
    else high = middle
  }
  const [below, above] = [magnitude - fromBits(low), fromBits(high) - magnitude]
  return below < above || (below === above && low % 2 === 0) ? low : high
}

const float = fc.float({ noNaN: true, noDefaultInfinity: true })

describe(`16-bit formats (NNZ_TEST_SEED=${seed})`, () => {
  it('every f16 comes back, subnormals as zeros', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const subnormal = (bits & 0x7c00) === 0
      const nan = (bits & 0x7fff) > 0x7c00
      expect(toF16Bits(fromF16Bits(bits))).toBe(nan ? (bits & 0x8000) | 0x7e00 : subnormal ? bits & 0x8000 : bits)
    }
    expect([0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x7c00].map(fromF16Bits)).toEqual([
      1,
      -2,
      65504,
      2 ** -14,
      2 ** -24,
      Number.POSITIVE_INFINITY,
    ])
  })

  it('every bf16 comes back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const nan = (bits & 0x7fff) > 0x7f80
      expect(toBf16Bits(fromBf16Bits(bits))).toBe(nan ? bits | 0x40 : bits)
    }
  })

  it('numbers round to the nearest, ties to even', () => {
    const between = fc.integer({ min: 0x0400, max: 0x7bfe }).chain((bits) => {
      const [low, high] = [fromF16Bits(bits), fromF16Bits(bits + 1)]
      return fc.constantFrom((low + high) / 2, Math.fround(low * 0.4 + high * 0.6), -(low + high) / 2)
    })
    fc.assert(
      fc.property(fc.oneof(float, between, fc.float({ min: -(2 ** -13), max: 2 ** -13 })), (value) => {
        const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
        if (Math.abs(value) < F16_MAX) {
          const bits = nearest(value, fromF16Bits, 0x7c00)
          expect(toF16Bits(value)).toBe(sign | (bits < 0x400 ? 0 : bits))
        }
        if (Math.abs(value) < 3.38e38) expect(toBf16Bits(value)).toBe(sign | nearest(value, fromBf16Bits, 0x7f80))
      }),
      { seed, numRuns: 2000 },
    )
  })
})

const matrix = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 17 })).chain((shape) =>
  fc
    .array(fc.oneof(fc.constant(0), fc.float({ min: -50000, max: 50000, noNaN: true })), {
      minLength: shape[0] * shape[1],
      maxLength: shape[0] * shape[1],
    })
    .map((data) => ({ shape, data: Float32Array.from(data) })),
)

/** The largest error that the type allows for each stored value of a dense matrix, from the definition. */
function allowed(data: Float32Array, columns: number, type: string, groupColumns: number): Float64Array {
  return Float64Array.from(data, (value, i) => {
    if (type === 'f16') return Math.max(Math.abs(value) * 2 ** -11, 2 ** -14)
    if (type === 'bf16') return Math.max(Math.abs(value) * 2 ** -8, 2 ** -133)
    const first = i - ((i % columns) % groupColumns)
    const end = Math.min(first + groupColumns, i - (i % columns) + columns)
    const largest = data.subarray(first, end).reduce((most, x) => Math.max(most, Math.abs(x)), 0)
    return (largest / 254) * (1 + 2 ** -20) + 2 ** -143
  })
}

describe(`quantised layouts (NNZ_TEST_SEED=${seed})`, () => {
  const option = fc.constantFrom(
    { type: 'f16' as const },
    { type: 'bf16' as const },
    { type: 'i8' as const },
    { type: 'i8' as const, scales: 'row' as const },
    { type: 'i8' as const, scales: { columns: 4 } },
    { type: 'i8' as const, scales: { columns: 7 } },
  )

  it('csr, bsr and dense agree, and err no more than the type allows', () => {
    fc.assert(
      fc.property(
        matrix,
        option,
        fc.constantFrom([1, 1], [2, 3], [4, 4], [1, 5]),
        ({ shape, data }, options, block) => {
          const bounds = allowed(
            data,
            shape[1],
            options.type,
            typeof options.scales === 'object' ? options.scales.columns : 99,
          )
          const all = dense.quantise(dense({ shape, values: data }), options)
          const want = dense.toFloat32(all).values
          for (let i = 0; i < data.length; i++) expect(Math.abs(want[i] - data[i])).toBeLessThanOrEqual(bounds[i])
          const positive = (values: Float32Array) => values.map((x) => (x === 0 ? 0 : x))

          const sparse = csr.quantise(csr.fromDense(data, shape), options)
          csr.validate(sparse)
          expect(positive(csr.toDense(csr.toFloat32(sparse)))).toEqual(positive(want))
          const blocks = bsr.quantise(bsr.fromDense(data, shape, block), options)
          bsr.validate(blocks)
          expect(positive(bsr.toDense(bsr.toFloat32(blocks)))).toEqual(positive(want))
        },
      ),
      { seed, numRuns: 300 },
    )
  })

  it('a second pass changes nothing in f16 and bf16', () => {
    fc.assert(
      fc.property(matrix, fc.constantFrom('f16' as const, 'bf16' as const), ({ shape, data }, type) => {
        const once = csr.quantise(csr.fromDense(data, shape), { type })
        expect(csr.quantise(csr.toFloat32(once), { type })).toEqual(once)
      }),
      { seed, numRuns: 100 },
    )
  })

  it('i8 by hand: scales for rows and for groups of columns', () => {
    const w = csr.fromDense([127, 0, -254, 1, 0, 0, 0, 0, 0, 0, 3, -1.5], [3, 4])
    const rows = csr.quantise(w, { type: 'i8' }).values as { data: Int8Array; scales: Float32Array }
    expect(rows.scales).toEqual(Float32Array.of(2, 0, 3 / 127))
    expect(rows.data).toEqual(Int8Array.of(64, -127, 0, 127, -64)) // 63.5, 0.5 and -63.5 are ties
    const groups = csr.quantise(w, { type: 'i8', scales: { columns: 2 } }).values as typeof rows
    expect(groups.scales).toEqual(Float32Array.of(1, 2, 0, 0, 0, 3 / 127))
    expect(groups.data).toEqual(Int8Array.of(127, -127, 0, 127, -64))
  })

  it('elements of edge blocks beyond the shape weigh nothing', () => {
    const w = bsr({
      shape: [1, 3],
      blockShape: [2, 2],
      rowOffsets: [0, 2],
      columnIndices: [0, 1],
      values: [1, 2, 9, 9, 3, 9, 9, 9],
    })
    const q = bsr.quantise(w, { type: 'i8' })
    expect(q.values).toMatchObject({ data: Int8Array.of(42, 85, 0, 0, 127, 0, 0, 0), scales: Float32Array.of(3 / 127) })
  })

  it('the cost of storage: error and bytes', () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i))
    const w = csr({
      shape: [10, 1000],
      rowOffsets: Array.from({ length: 11 }, (_, i) => 100 * i),
      columnIndices: values.map((_, i) => i % 100),
      values,
    })
    const i8 = csr.compactCost(w, csr.quantise(w, { type: 'i8' }))
    expect(i8.bytesPerWeight).toBeCloseTo(1.04)
    expect(i8.bytes).toBe(1000 + 40 + 4000 + 44)
    expect(i8.maxAbs).toBeLessThan(1 / 253)
    // Rounding to a grid of width d errs by d / sqrt(12) in the mean of squares.
    expect(i8.rms).toBeGreaterThan(0.8 / 127 / Math.sqrt(12))
    expect(i8.rms).toBeLessThan(1.2 / 127 / Math.sqrt(12))
    const bf16 = csr.compactCost(w, csr.quantise(w, { type: 'bf16' }))
    expect(bf16).toMatchObject({ bytesPerWeight: 2 })
    expect(bf16.relativeRms).toBeLessThan(2 ** -8)
    expect(csr.compactCost(w, csr.quantise(w, { type: 'f16' })).relativeRms).toBeLessThan(2 ** -11)
  })
})

describe('errors', () => {
  const w = csr.fromDense([1, 2], [1, 2])
  const i8 = csr.quantise(w, { type: 'i8' })

  it.each<[string, () => unknown, RegExp]>([
    ['no type', () => csr.quantise(w, {} as never), /csr.quantise: expected type "f16", "bf16" or "i8", got undefined/],
    ['no options', () => csr.quantise(w, null as never), /csr.quantise: expected options/],
    [
      'quantised twice',
      () => csr.quantise(i8 as never, { type: 'i8' }),
      /expected a csr of f32 values, got a csr layout of i8/,
    ],
    [
      'groups of no columns',
      () => csr.quantise(w, { type: 'i8', scales: { columns: 0 } }),
      /scales.columns to be a whole/,
    ],
    ['other scales', () => csr.quantise(w, { type: 'i8', scales: 'tensor' as never }), /expected scales to be "row"/],
    [
      'NaN',
      () => csr.quantise(csr.fromDense([Number.NaN], [1, 1]), { type: 'i8' }),
      /values\[0\]: NaN has no place in i8/,
    ],
    ['beyond f16', () => csr.quantise(csr.fromDense([65520], [1, 1]), { type: 'f16' }), /65520 has no place in f16/],
    ['infinity', () => csr.quantise(csr.fromDense([1, -1 / 0], [1, 2]), { type: 'bf16' }), /values\[1\]: -Infinity/],
    [
      'scales are missing',
      () => csr({ ...i8, values: { ...i8.values, scales: Float32Array.of() } as never }),
      /scales: expected 1 entries, got 0/,
    ],
    [
      'a scale is NaN',
      () => csr({ ...i8, values: { ...i8.values, scales: Float32Array.of(Number.NaN) } as never }),
      /scales\[0\]: expected a finite/,
    ],
    [
      'data of another kind',
      () => csr({ ...i8, values: { ...i8.values, data: Uint8Array.of(1, 2) } as never }),
      /data: expected a Int8Array, got Uint8Array/,
    ],
    [
      'data too short',
      () => csr({ ...i8, values: { ...i8.values, data: Int8Array.of(1) } as never }),
      /columnIndices: expected 1 entries, got 2/,
    ],
    [
      'infinite f16',
      () => csr({ ...i8, values: { type: 'f16', data: Uint16Array.of(0, 0x7c00), length: 2 } }),
      /data\[1\]: expected finite values of f16/,
    ],
    [
      'for kernels of f32',
      () => ensureChecked(i8 as never),
      /expected f32 values, got a csr layout of i8 values; csr.toFloat32/,
    ],
    [
      'costs of another matrix',
      () => csr.compactCost(csr.fromDense([1], [1, 1]), i8),
      /csr.compactCost: expected as many values/,
    ],
  ])('%s', (_, act, message) => {
    expect(act).toThrow(message)
  })

  it.each(['f16', 'bf16', 'i8'] as const)('functions that read f32 values refuse %s', (type) => {
    const data = [1, 2, 0, 0, 0, 0, 3, 4, 1, 2, 0, 0, 0, 0, 3, 4]
    const weights = {
      csr: csr.quantise(csr.fromDense(data, [4, 4]), { type }),
      bsr: bsr.quantise(bsr.fromDense(data, [4, 4], [2, 2]), { type }),
      nm: nm.quantise(nm.fromDense(data, [4, 4], { n: 2, m: 4 }), { type }),
      nmg: nmg.quantise(nmg.fromDense(data, [4, 4], { n: 2, m: 4, g: 2 }), { type }),
    }
    const calls: [string, keyof typeof weights, (w: never) => unknown][] = [
      ['csr.toDense', 'csr', csr.toDense],
      ['csr.transpose', 'csr', csr.transpose],
      ['csc.fromCsr', 'csr', csc.fromCsr],
      ['coo.fromCsr', 'csr', coo.fromCsr],
      ['bsr.fromCsr', 'csr', (w) => bsr.fromCsr(w, [2, 2])],
      ['nm.fromCsr', 'csr', (w) => nm.fromCsr(w, { n: 2, m: 4 })],
      ['bsr.toDense', 'bsr', bsr.toDense],
      ['bsr.transpose', 'bsr', bsr.transpose],
      ['bsr.toCsr', 'bsr', bsr.toCsr],
      ['nm.toDense', 'nm', nm.toDense],
      ['nm.transpose', 'nm', nm.transpose],
      ['nm.toTensorCore', 'nm', nm.toTensorCore],
      ['nmg.toDense', 'nmg', nmg.toDense],
    ]
    for (const [name, layout, call] of calls) {
      expect(() => call(weights[layout] as never)).toThrow(
        expect.objectContaining({
          name: 'TypeError',
          code: 'NNZ_TYPE',
          message: `${name}: expected a ${layout} of f32 values, got a ${layout} layout of ${type} values; ${layout}.toFloat32(w) has them`,
        }),
      )
    }
    expect(csr.toFloat32(nm.toCsr(weights.nm as never)).values).toEqual(nm.toFloat32(weights.nm).values)
  })

  it('the largest number of f16 is stored, and what rounds to it', () => {
    const stored = csr.quantise(csr.fromDense([65504, 65519], [1, 2]), { type: 'f16' })
    expect(csr.toFloat32(stored).values).toEqual(Float32Array.of(65504, 65504))
  })
})
