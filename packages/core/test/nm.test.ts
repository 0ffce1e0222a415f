import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csr, type NmgPattern, nm, nmg } from '../src/index.ts'

const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)

interface Given extends NmgPattern {
  shape: [number, number]
  data: Float32Array
}

/** Matrices with zeros of both signs, denormals and infinities, and patterns that fit the shape or not. */
const given: fc.Arbitrary<Given> = fc
  .record({
    rows: fc.integer({ min: 0, max: 9 }),
    columns: fc.integer({ min: 0, max: 70 }),
    m: fc.integer({ min: 1, max: 32 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    g: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ rows, columns, m, share, g }) =>
    fc.record({
      n: fc.constant(Math.max(1, Math.round(share * m))),
      m: fc.constant(m),
      g: fc.constant(g),
      shape: fc.constant<[number, number]>([rows, columns]),
      data: fc
        .array(
          fc.oneof(
            { weight: 6, arbitrary: fc.double({ min: -9, max: 9, noNaN: true }) },
            fc.constantFrom(0, -0, 1e-40, -1e-45, Number.POSITIVE_INFINITY, 2, -2, 2),
          ),
          { minLength: rows * columns, maxLength: rows * columns },
        )
        .map((values) => Float32Array.from(values)),
    }),
  )

const positiveZeros = (data: Float32Array) => data.map((x) => x + 0)

/** The definition of `fromDense`, by sorting. */
function expectedDense({ n, m, g, shape: [rows, columns], data }: Given): Float32Array {
  const result = new Float32Array(data.length)
  for (let top = 0; top < rows; top += g) {
    const band = Array.from({ length: Math.min(g, rows - top) }, (_, i) => top + i)
    for (let left = 0; left < columns; left += m) {
      const group = Array.from({ length: Math.min(m, columns - left) }, (_, i) => left + i)
      const magnitude = (column: number) => band.reduce((sum, row) => sum + Math.abs(data[row * columns + column]), 0)
      const kept = group.sort((a, b) => magnitude(b) - magnitude(a) || a - b).slice(0, n)
      for (const row of band) for (const column of kept) result[row * columns + column] = data[row * columns + column]
    }
  }
  return positiveZeros(result)
}

describe(`N:M round trips (NNZ_TEST_SEED=${seed})`, () => {
  const check = (property: (matrix: Given) => void) => () =>
    fc.assert(fc.property(given, property), { seed, numRuns: 300 })

  it(
    'dense -> nm, nmg -> dense keeps the largest magnitudes',
    check((matrix) => {
      const { shape, data, g } = matrix
      const single = nm.fromDense(data, shape, matrix)
      nm.validate(single)
      expect(single.g).toBe(1)
      expect(nm.toDense(single)).toEqual(expectedDense({ ...matrix, g: 1 }))
      const grouped = nmg.fromDense(data, shape, matrix)
      nmg.validate(grouped)
      expect(grouped.g).toBe(g)
      expect(nmg.toDense(grouped)).toEqual(expectedDense(matrix))
    }),
  )

  it(
    'every row stores as many entries, in 2 bits each at 2:4',
    check((matrix) => {
      const { shape, data, n, m } = matrix
      const w = nm.fromDense(data, shape, matrix)
      const each = Math.floor(shape[1] / m) * n + Math.min(n, shape[1] % m)
      expect(w.nnz).toBe(shape[0] * each)
      expect(w.values.length).toBe(w.nnz)
      const bits = [0, 0, 1, 2, 2, 3, 3, 3, 3][m] ?? (m <= 16 ? 4 : 5)
      expect(w.indices.length).toBe(Math.ceil((w.nnz * bits) / 8))
    }),
  )

  it(
    'through the constructor, masks and csr',
    check((matrix) => {
      const { shape, data } = matrix
      for (const layout of [nm, nmg]) {
        const w = layout.fromDense(data, shape, matrix)
        expect(layout({ ...w } as never)).toEqual(w)
        const dense = layout.toDense(w as never)
        const entries = layout.toCsr(w as never)
        expect(csr.toDense(entries)).toEqual(dense)
        expect(layout.fromCsr(entries, matrix)).toEqual(w)
        const mask = new Uint8Array(dense.length)
        for (let row = 0; row < shape[0]; row++) {
          for (let i = entries.rowOffsets[row]; i < entries.rowOffsets[row + 1]; i++)
            mask[row * shape[1] + entries.columnIndices[i]] = 1
        }
        expect(layout.fromMasked(positiveZeros(data), mask, shape, matrix)).toEqual(w)
        expect(layout.toDense(layout.fromCsr(csr.fromDense(dense, shape), matrix) as never)).toEqual(dense)
      }
    }),
  )

  it(
    '2:4 as tensor cores read it, and back',
    check(({ shape, data }) => {
      const w = nm.fromDense(data, shape, { n: 2, m: 4 })
      const parts = nm.toTensorCore(w)
      expect(nm.fromTensorCore(parts)).toEqual(w)
      // In every nibble two different columns, the lower one first.
      for (const word of parts.metadata) {
        for (let bit = 0; bit < 32; bit += 4) expect((word >>> bit) & 3).toBeLessThan((word >>> (bit + 2)) & 3)
      }
    }),
  )

  it(
    'transposed by a transposable mask, and back',
    check(({ shape, data }) => {
      // Diagonals of whole blocks: one of m along rows and along columns.
      const m = 4
      const [rows, columns] = shape.map((extent) => extent - (extent % m))
      const diagonal = Float32Array.from({ length: rows * columns }, (_, i) =>
        Math.floor(i / columns) % m === (i % columns) % m ? data[i] || 1 : 0,
      )
      const w = nm.fromMasked(diagonal, diagonal, [rows, columns], { n: 1, m })
      const dense = nm.toDense(w)
      const { transposed, order } = nm.transposition(w)
      expect(transposed.shape).toEqual([columns, rows])
      const expected = Float32Array.from(dense, (_, i) => dense[(i % rows) * columns + Math.floor(i / rows)])
      expect(nm.toDense(transposed)).toEqual(expected)
      expect(Float32Array.from(order, (at) => (at < 0 ? 0 : w.values[at]))).toEqual(transposed.values)
    }),
  )

  it(
    'values in compact types are those of the same matrix in csr',
    check(({ shape, data, n, m, g }) => {
      const finite = data.map((x) => (Number.isFinite(x) ? x : 1))
      const w = nmg.fromDense(finite, shape, { n, m, g })
      for (const type of ['f16', 'bf16', 'i8'] as const) {
        const compact = nmg.quantise(w, { type, scales: { columns: 7 } })
        nmg.validate(compact)
        const plain = csr.quantise(nmg.toCsr(w), { type, scales: { columns: 7 } })
        expect(nmg.toFloat32(compact).values).toEqual(csr.toFloat32(plain).values)
      }
    }),
  )
})

describe('the tensor core form', () => {
  it('has the columns of rows q and q + 8 in the halves of words 2 q and 2 q + 1', () => {
    const dense = new Float32Array(16 * 32)
    const keep = (row: number, group: number, a: number, b: number) => {
      dense[row * 32 + group * 4 + a] = 1
      dense[row * 32 + group * 4 + b] = 2
    }
    keep(0, 0, 2, 3)
    keep(3, 5, 1, 3)
    keep(11, 1, 0, 2)
    const { metadata, values } = nm.toTensorCore(nm.fromDense(dense, [16, 32], { n: 2, m: 4 }))
    expect(metadata.length).toBe(16)
    expect(metadata[0]).toBe(0x4444444e)
    expect(metadata[6]).toBe(0x44844444)
    expect(metadata[7]).toBe(0x444444d4)
    expect([...values.subarray(0, 2)]).toEqual([1, 2])
    expect([...values.subarray(3 * 16 + 10, 3 * 16 + 12)]).toEqual([1, 2])
  })
})

describe('errors', () => {
  const code = (run: () => unknown) => {
    try {
      run()
    } catch (error) {
      return `${(error as Error).name} ${(error as { code: string }).code}: ${(error as Error).message}`
    }
    return 'none'
  }

  it.each([
    [
      () => nm.fromMasked([1, 1, 1, 0, 1, 1, 1, 1], [1, 1, 0, 0, 1, 1, 1, 0], [1, 8], { n: 2, m: 4 }),
      'RangeError NNZ_VALUE: nm.fromMasked: row 0, columns 4..7: 3 are kept, expected at most 2 of 4',
    ],
    [
      () => nmg.fromMasked(new Float32Array(8), [1, 1, 0, 0, 0, 0, 1, 0], [2, 4], { n: 2, m: 4, g: 2 }),
      'RangeError NNZ_VALUE: nmg.fromMasked: rows 0..1, columns 0..3: 3 are kept, expected at most 2 of 4',
    ],
    [
      () => nm.fromCsr(csr.fromDense([0, 0, 0, 0, 1, 2], [2, 3]), { n: 1, m: 3 }),
      'RangeError NNZ_VALUE: nm.fromCsr: row 1, columns 0..2: 2 are kept, expected at most 1 of 3',
    ],
    [
      () => nm.fromDense([1, Number.NaN], [1, 2], { n: 1, m: 2 }),
      'RangeError NNZ_VALUE: nm.fromDense: row 0, column 1: NaN has no magnitude to choose by',
    ],
    [
      () => nm.fromDense([1], [1, 1], { n: 1, m: 33 }),
      'RangeError NNZ_VALUE: nm.fromDense: expected m to be a whole number in 1..32, got 33',
    ],
    [
      () => nm.fromDense([1], [1, 1], { n: 5, m: 4 }),
      'RangeError NNZ_VALUE: nm.fromDense: expected n to be a whole number in 1..4, got 5',
    ],
    [
      () => nmg.fromDense([1], [1, 1], { n: 1, m: 4, g: 0 }),
      'RangeError NNZ_VALUE: nmg.fromDense: expected g to be a whole number in 1..2147483648, got 0',
    ],
    [
      () => nm.fromDense([1], [1, 1], undefined as never),
      'TypeError NNZ_TYPE: nm.fromDense: expected a pattern such as { n: 2, m: 4 }, got undefined',
    ],
    [
      () => nm.fromDense([1, 2], [1, 1], { n: 1, m: 1 }),
      'RangeError NNZ_SHAPE: nm.fromDense: data has 2 elements, expected 1 for [1, 1]',
    ],
    [
      () => nm.fromMasked([1], [1, 1], [1, 1], { n: 1, m: 1 }),
      'RangeError NNZ_SHAPE: nm.fromMasked: mask has 2 elements, expected 1',
    ],
    [
      () => nm({ shape: [1, 4], n: 2, m: 4, values: [1, 2], indices: Uint8Array.of(0b0101) }),
      'RangeError NNZ_LAYOUT: nm: indices: row 0, columns 0..3: expected rising columns, entry 1 of the group has 1',
    ],
    [
      () => nm({ shape: [1, 2], n: 1, m: 4, values: [1], indices: Uint8Array.of(2) }),
      'RangeError NNZ_LAYOUT: nm: indices: row 0, columns 0..1: expected rising columns, entry 0 of the group has 2',
    ],
    [
      () => nm({ shape: [1, 4], n: 2, m: 4, values: [1], indices: Uint8Array.of(4) }),
      'RangeError NNZ_LAYOUT: nm: values: expected 2 entries, got 1',
    ],
    [
      () => nm({ shape: [1, 4], n: 2, m: 4, values: [1, 2], indices: Uint8Array.of(4, 0) }),
      'RangeError NNZ_LAYOUT: nm: indices: expected 1 entries, got 2',
    ],
    [
      () => nm({ shape: [1, 4], n: 2, m: 4, values: [1, 2], indices: [4] as never }),
      'TypeError NNZ_TYPE: nm: indices: expected a Uint8Array, got Array(1)',
    ],
    [
      () => nm.transpose(nm.fromDense([1, 2, 3, 4, 0, 0, 0, 0], [4, 2], { n: 1, m: 2 })),
      'RangeError NNZ_VALUE: nm.transpose: row 0, columns 2..3: 2 are kept, expected at most 1 of 2',
    ],
    [
      () => nm.toTensorCore(nm.fromDense([1], [1, 1], { n: 1, m: 4 })),
      'RangeError NNZ_VALUE: nm.toTensorCore: sparse tensor cores read 2:4, these are 1:4',
    ],
    [
      () => nm.fromTensorCore({ shape: [1, 4], values: new Float32Array(256), metadata: new Uint32Array(16) }),
      'RangeError NNZ_LAYOUT: nm.fromTensorCore: metadata[0]: row 0, columns from 0: expected two rising columns inside the matrix, got 0, 0',
    ],
    [
      () => nm.fromTensorCore({ shape: [1, 4], values: new Float32Array(2), metadata: new Uint32Array(16) }),
      'RangeError NNZ_LAYOUT: nm.fromTensorCore: values: expected 256 entries, got 2',
    ],
  ])('%#', (run, expected) => {
    expect(code(run)).toBe(expected)
  })
})
