import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bsr } from '../src/layouts/bsr.ts'
import { coo } from '../src/layouts/coo.ts'
import { csc } from '../src/layouts/csc.ts'
import { csr } from '../src/layouts/csr.ts'
import { dense } from '../src/layouts/dense.ts'
import { nm } from '../src/layouts/nm.ts'
import { nmg } from '../src/layouts/nmg.ts'

const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)

interface Dense {
  readonly shape: [number, number]
  readonly data: Float32Array
}

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.float({ noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, 1e-45) },
)
const matrices: fc.Arbitrary<Dense> = fc
  .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }))
  .chain((shape) =>
    fc
      .array(value, { minLength: shape[0] * shape[1], maxLength: shape[0] * shape[1] })
      .map((data) => ({ shape, data: Float32Array.from(data) })),
  )
const block = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))

/** Implicit zeros are +0: a -0 is not stored. */
function positiveZeros(data: Float32Array): Float32Array {
  return data.map((x) => (x === 0 ? 0 : x))
}

function transposedDense({ shape: [rows, columns], data }: Dense): Float32Array {
  return Float32Array.from({ length: data.length }, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)])
}

describe(`round trips (NNZ_TEST_SEED=${seed})`, () => {
  const check = (property: (matrix: Dense, block: [number, number]) => void) => () =>
    fc.assert(fc.property(matrices, block, property), { seed, numRuns: 300 })

  it(
    'dense -> csr, csc, coo -> dense',
    check(({ shape, data }) => {
      const expected = positiveZeros(data)
      for (const layout of [csr, csc, coo]) {
        const w = layout.fromDense(data, shape)
        layout.validate(w as never)
        expect(layout.toDense(w as never)).toEqual(expected)
        expect(w.nnz).toBe(data.filter((x) => x !== 0).length)
      }
    }),
  )

  it(
    'dense -> bsr -> dense, with whole blocks',
    check(({ shape, data }, blockShape) => {
      const w = bsr.fromDense(data, shape, blockShape)
      bsr.validate(w)
      expect(positiveZeros(bsr.toDense(w))).toEqual(positiveZeros(data))
      expect(w.nnz).toBe(w.columnIndices.length * blockShape[0] * blockShape[1])
      for (let i = 0; i < w.columnIndices.length; i++) {
        const area = blockShape[0] * blockShape[1]
        expect(w.values.subarray(i * area, (i + 1) * area).some((x) => x !== 0)).toBe(true)
      }
    }),
  )

  it(
    'between layouts',
    check(({ shape, data }, blockShape) => {
      const w = csr.fromDense(data, shape)
      expect(csr.fromCsc(csc.fromCsr(w))).toEqual(w)
      expect(coo.toCsr(coo.fromCsr(w))).toEqual(w)
      expect(bsr.toCsr(bsr.fromCsr(w, blockShape))).toEqual(w)
      expect(bsr.toDense(bsr.fromCsr(w, blockShape))).toEqual(csr.toDense(w))
      expect(bsr.fromCsr(w, blockShape).columnIndices).toEqual(bsr.fromDense(data, shape, blockShape).columnIndices)
    }),
  )

  it(
    'transposed, and back',
    check((matrix, blockShape) => {
      const expected = positiveZeros(transposedDense(matrix))
      const { shape, data } = matrix
      const w = { csr: csr.fromDense(data, shape), csc: csc.fromDense(data, shape), coo: coo.fromDense(data, shape) }
      const blocks = bsr.fromDense(positiveZeros(data), shape, blockShape)
      expect(csr.toDense(csr.transpose(w.csr))).toEqual(expected)
      expect(csc.toDense(csc.transpose(w.csc))).toEqual(expected)
      expect(coo.toDense(coo.transpose(w.coo))).toEqual(expected)
      expect(bsr.toDense(bsr.transpose(blocks))).toEqual(expected)
      expect(csr.transpose(csr.transpose(w.csr))).toEqual(w.csr)
      expect(csc.transpose(csc.transpose(w.csc))).toEqual(w.csc)
      expect(coo.transpose(coo.transpose(w.coo))).toEqual(w.coo)
      expect(bsr.transpose(bsr.transpose(blocks))).toEqual(blocks)
    }),
  )
})

describe('constructors', () => {
  it('wrap typed arrays without copying, freeze the record, and convert other arrays', () => {
    const rowOffsets = Uint32Array.of(0, 1, 2)
    const values = Float32Array.of(3, 4)
    const w = csr({ shape: [2, 3], rowOffsets, columnIndices: [2, 0], values })
    expect(w.rowOffsets).toBe(rowOffsets)
    expect(w.values).toBe(values)
    expect(w.columnIndices).toEqual(Uint32Array.of(2, 0))
    expect(Object.isFrozen(w)).toBe(true)
    expect(Object.isFrozen(w.shape)).toBe(true)
    expect(csr({ ...w, rowOffsets: BigInt64Array.of(0n, 1n, 2n) as never }).rowOffsets).toEqual(rowOffsets)
    expect(csr({ ...w, values: Float64Array.of(3, 4) })).toEqual(w)
  })

  it('keep stored zeros as entries', () => {
    const w = csr({ shape: [1, 3], rowOffsets: [0, 2], columnIndices: [0, 2], values: [0, 5] })
    expect(w.nnz).toBe(2)
    expect(bsr.fromCsr(w, [1, 1]).columnIndices).toEqual(Uint32Array.of(0, 2))
  })

  it('take shapes whose area no dense array could have', () => {
    const w = csr({ shape: [3, 2 ** 31], rowOffsets: [0, 1, 1, 2], columnIndices: [2 ** 31 - 1, 7], values: [1, 2] })
    expect(coo.toCsr(coo.fromCsr(w))).toEqual(w)
    expect(bsr.toCsr(bsr.fromCsr(w, [2, 2 ** 20])).columnIndices).toEqual(w.columnIndices)
    expect(() => csr.toDense(w)).toThrow(
      expect.objectContaining({
        name: 'RangeError',
        code: 'NNZ_SHAPE',
        message: expect.stringContaining('csr.toDense'),
      }),
    )
  })

  it('convert 4096x4096 at 90 %', () => {
    const size = 4096
    const data = new Float32Array(size * size)
    for (let i = 0; i < data.length; i++) if ((Math.imul(i, 2654435761) >>> 0) % 10 === 0) data[i] = i + 1
    const w = csr.fromDense(data, [size, size])
    expect(w.nnz).toBe(data.reduce((count, x) => count + Number(x !== 0), 0))
    const blocks = bsr.fromCsr(w, [4, 4])
    expect(bsr.toCsr(blocks).columnIndices.length).toBe(w.nnz)
    const bytes = (array: Float32Array) => Buffer.from(array.buffer)
    expect(bytes(csr.transpose(csr.transpose(w)).values).equals(bytes(w.values))).toBe(true)
    expect(bytes(csr.toDense(csr.fromCsc(csc.fromCsr(w)))).equals(bytes(data))).toBe(true)
  })
})

describe('errors name the array and the position', () => {
  const good = { shape: [2, 3], rowOffsets: [0, 2, 3], columnIndices: [0, 2, 1], values: [1, 2, 3] }
  const none = { rowOffsets: [0], columnIndices: [], values: [] }
  const columns = { shape: [3, 2], columnOffsets: [0, 2, 3], rowIndices: [0, 2, 1], values: [1, 2, 3] }
  const points = { shape: [2, 3], rowIndices: [0, 0, 1], columnIndices: [0, 2, 1], values: [1, 2, 3] }
  const blocks = {
    shape: [3, 4],
    blockShape: [2, 2],
    rowOffsets: [0, 2, 3],
    columnIndices: [0, 1, 1],
    values: new Float32Array(12),
  }

  it.each([
    ['not an object', () => csr(null as never), TypeError, 'NNZ_TYPE', 'csr: expected an object, got null'],
    ['no shape', () => csr({ ...good, shape: 4 as never }), TypeError, 'NNZ_TYPE', 'csr: expected a shape'],
    ['three axes', () => csr({ ...good, shape: [1, 2, 3] }), RangeError, 'NNZ_SHAPE', '[1, 2, 3]'],
    ['infinite', () => csr({ ...good, shape: [2, Number.POSITIVE_INFINITY] }), RangeError, 'NNZ_SHAPE', 'Infinity'],
    ['NaN', () => csr({ ...good, shape: [Number.NaN, 3] }), RangeError, 'NNZ_SHAPE', 'NaN'],
    ['negative', () => csr({ ...good, shape: [-1, 3] }), RangeError, 'NNZ_SHAPE', '-1'],
    ['fraction', () => csr({ ...good, shape: [2, 2.5] }), RangeError, 'NNZ_SHAPE', '2.5'],
    ['too large', () => csr({ ...good, shape: [2, 2 ** 31 + 1] }), RangeError, 'NNZ_SHAPE', '2^31'],
    ...[
      (shape: number[]) => csr.fromDense([], shape),
      (shape: number[]) => csr({ ...none, shape }),
      (shape: number[]) => csc.fromDense([], shape),
      (shape: number[]) => coo({ rowIndices: [], columnIndices: [], values: [], shape }),
      (shape: number[]) => bsr.fromDense([], shape, [2, 2]),
      (shape: number[]) => nm.fromDense([], shape, { n: 2, m: 4 }),
      (shape: number[]) => nmg.fromDense([], shape, { n: 2, m: 4, g: 2 }),
      (shape: number[]) => nm({ shape, n: 2, m: 4, values: [], indices: new Uint8Array(0) }),
      (shape: number[]) => dense({ shape, values: [] }),
    ].flatMap((make) =>
      [
        [2 ** 24 + 1, 0],
        [0, 2 ** 31],
      ].map((shape): [string, () => unknown, typeof RangeError, string, string] => [
        `immense without elements: ${make} of ${shape}`,
        () => make(shape),
        RangeError,
        'NNZ_SHAPE',
        `[${shape.join(', ')}] has no elements, expected extents of at most 2^24 beside a 0`,
      ]),
    ),
    [
      'offsets missing',
      () => csr({ ...good, rowOffsets: undefined as never }),
      TypeError,
      'NNZ_TYPE',
      'csr: rowOffsets',
    ],
    [
      'offsets too short',
      () => csr({ ...good, rowOffsets: [0, 3] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: rowOffsets: expected 3 entries, got 2',
    ],
    [
      'offsets do not start at 0',
      () => csr({ ...good, rowOffsets: [1, 2, 3] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: rowOffsets[0]: expected 0, got 1',
    ],
    [
      'offsets fall',
      () => csr({ ...good, rowOffsets: [0, 4, 3] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: rowOffsets[2]: expected at least 4',
    ],
    [
      'offsets end elsewhere',
      () => csr({ ...good, rowOffsets: [0, 1, 2] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: rowOffsets[2]: expected 3',
    ],
    [
      'negative offset',
      () => csr({ ...good, rowOffsets: [0, -2, 3] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: rowOffsets[1]: expected a whole number',
    ],
    [
      'fractional index',
      () => csr({ ...good, columnIndices: [0, 1.5, 1] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: columnIndices[1]: expected a whole number in 0..2^32-1, got 1.5',
    ],
    [
      'index of null',
      () => csr({ ...good, columnIndices: [0, null as never, 1] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: columnIndices[1]',
    ],
    [
      'index of text',
      () => csr({ ...good, columnIndices: [0, '2' as never, 1] }),
      RangeError,
      'NNZ_LAYOUT',
      'columnIndices[1]: expected a whole number in 0..2^32-1, got "2"',
    ],
    [
      'index too large',
      () => csr({ ...good, columnIndices: [0, 3, 1] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: columnIndices[1]: expected an index below 3, got 3',
    ],
    [
      'duplicate',
      () => csr({ ...good, columnIndices: [2, 2, 1] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: columnIndices[1]: expected rising indices inside a group, 2 is a duplicate',
    ],
    [
      'unsorted',
      () => csr({ ...good, columnIndices: [2, 0, 1] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: columnIndices[1]: expected rising indices',
    ],
    [
      'too few indices',
      () => csr({ ...good, columnIndices: [0, 2] }),
      RangeError,
      'NNZ_LAYOUT',
      'csr: columnIndices: expected 3 entries, got 2',
    ],
    ['values of text', () => csr({ ...good, values: ['1', 2, 3] as never }), TypeError, 'NNZ_TYPE', 'csr: values'],
    [
      'values of bigint',
      () => csr({ ...good, values: BigInt64Array.of(1n, 2n, 3n) as never }),
      TypeError,
      'NNZ_TYPE',
      'csr: values',
    ],
    [
      'fromDense of a wrong length',
      () => csr.fromDense([1, 2, 3], [2, 2]),
      RangeError,
      'NNZ_SHAPE',
      'csr.fromDense: data has 3 elements, expected 4',
    ],
    ['fromDense of nothing', () => csr.fromDense(undefined as never, [2, 2]), TypeError, 'NNZ_TYPE', 'csr.fromDense'],
    [
      'csc offsets',
      () => csc({ ...columns, columnOffsets: [0, 1, 2] }),
      RangeError,
      'NNZ_LAYOUT',
      'csc: columnOffsets[2]',
    ],
    [
      'csc index too large',
      () => csc({ ...columns, rowIndices: [0, 3, 1] }),
      RangeError,
      'NNZ_LAYOUT',
      'csc: rowIndices[1]: expected an index below 3',
    ],
    [
      'csc length',
      () => csc({ ...columns, rowIndices: [0] }),
      RangeError,
      'NNZ_LAYOUT',
      'csc: rowIndices: expected 3 entries',
    ],
    ['csc not an object', () => csc(7 as never), TypeError, 'NNZ_TYPE', 'csc: expected an object, got 7'],
    [
      'coo row too large',
      () => coo({ ...points, rowIndices: [0, 0, 2] }),
      RangeError,
      'NNZ_LAYOUT',
      'coo: rowIndices[2]: expected an index below 2, got 2',
    ],
    [
      'coo column too large',
      () => coo({ ...points, columnIndices: [0, 3, 1] }),
      RangeError,
      'NNZ_LAYOUT',
      'coo: columnIndices[1]: expected an index below 3, got 3',
    ],
    [
      'coo unsorted rows',
      () => coo({ ...points, rowIndices: [1, 0, 1] }),
      RangeError,
      'NNZ_LAYOUT',
      'coo: rowIndices[1], columnIndices[1]: expected entries sorted by row, then column; it stands before',
    ],
    [
      'coo duplicate',
      () => coo({ ...points, columnIndices: [2, 2, 1] }),
      RangeError,
      'NNZ_LAYOUT',
      'is a duplicate of',
    ],
    [
      'coo length',
      () => coo({ ...points, columnIndices: [0] }),
      RangeError,
      'NNZ_LAYOUT',
      'coo: columnIndices: expected 3 entries',
    ],
    ['coo not an object', () => coo('x' as never), TypeError, 'NNZ_TYPE', 'coo: expected an object, got "x"'],
    [
      'bsr block of nothing',
      () => bsr({ ...blocks, blockShape: [0, 2] }),
      RangeError,
      'NNZ_SHAPE',
      'bsr: expected a blockShape of at least 1x1, got 0x2',
    ],
    [
      'bsr without a block shape',
      () => bsr({ ...blocks, blockShape: undefined as never }),
      TypeError,
      'NNZ_TYPE',
      'bsr: blockShape',
    ],
    [
      'bsr values',
      () => bsr({ ...blocks, values: new Float32Array(11) }),
      RangeError,
      'NNZ_LAYOUT',
      'bsr: values: expected 12 entries, got 11',
    ],
    [
      'bsr index too large',
      () => bsr({ ...blocks, columnIndices: [0, 1, 2] }),
      RangeError,
      'NNZ_LAYOUT',
      'bsr: columnIndices[2]: expected an index below 2, got 2',
    ],
    [
      'bsr offsets',
      () => bsr({ ...blocks, rowOffsets: [0, 3] }),
      RangeError,
      'NNZ_LAYOUT',
      'bsr: rowOffsets: expected 3 entries, got 2',
    ],
    ['bsr.fromDense block', () => bsr.fromDense([1], [1, 1], [0, 0]), RangeError, 'NNZ_SHAPE', 'bsr.fromDense'],
    ['bsr.fromCsr block', () => bsr.fromCsr(csr(good), [1] as never), RangeError, 'NNZ_SHAPE', 'bsr.fromCsr'],
  ])('%s', (_, call, kind, code, message) => {
    expect(call).toThrow(kind)
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })

  it('validate finds what was written into the arrays afterwards', () => {
    const w = csr(good)
    csr.validate(w)
    w.columnIndices[2] = 9
    expect(() => csr.validate(w)).toThrow('csr: columnIndices[2]: expected an index below 3, got 9')
  })
})
