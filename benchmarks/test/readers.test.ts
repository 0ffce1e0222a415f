import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bsr, csr } from '@nnz/core'
import { afterAll, describe, expect, test } from 'vitest'
import {
  listTensors,
  openSafetensors,
  readCArrays,
  readMatrixMarket,
  readNpz,
  readOpusLayers,
  readSmtx,
  readTensor,
} from '../src/readers/index.ts'
import {
  ascii,
  example,
  matrixMarket,
  npz,
  npzParts,
  opus,
  safetensors,
  smtx,
  threeTensors,
} from './readers-fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'nnz-readers-'))
afterAll(() => rmSync(folder, { recursive: true }))

const failing = (read: () => unknown): { name: string; file: string; offset: number; message: string } => {
  try {
    read()
  } catch (error) {
    return error as ReturnType<typeof failing>
  }
  throw new Error('the reader accepted it')
}

const structure = ({ shape, rowOffsets, columnIndices }: ReturnType<typeof csr>): object => ({
  shape: [...shape],
  rowOffsets: [...rowOffsets],
  columnIndices: [...columnIndices],
})
const { values, ...exampleStructure } = { ...example, shape: [...example.shape] }

describe('smtx', () => {
  test('reads the structure and draws values that are not zero', () => {
    const w = readSmtx(smtx(), 'a.smtx', { seed: 7 })
    expect(structure(w)).toEqual(exampleStructure)
    expect([...w.values].every((value) => value !== 0 && Math.abs(value) <= 1)).toBe(true)
    expect(readSmtx(smtx(), 'a.smtx', { seed: 7 }).values).toEqual(w.values)
    expect(readSmtx(smtx(), 'a.smtx', { seed: 8 }).values).not.toEqual(w.values)
  })

  test('reads empty matrices, line ends of Windows and unsorted columns', () => {
    expect(readSmtx(ascii('0, 5, 0\n0\n'), 'a').shape).toEqual([0, 5])
    expect(readSmtx(ascii('2, 0, 0\n0 0 0\n\n'), 'a').nnz).toBe(0)
    expect([...readSmtx(ascii('1, 9, 3\r\n0 3\r\n8 0 4'), 'a').columnIndices]).toEqual([0, 4, 8])
  })

  test.each([
    ['', 0, 'expected the number of rows, a whole number, got the end of the file'],
    ['-1, 2, 0\n0\n', 0, 'expected the number of rows, a whole number, got "-1"'],
    ['1.5, 2, 0\n0\n', 0, 'got "1.5"'],
    ['99999999999999999999, 2, 0\n', 0, 'expected the number of rows in 0..2147483648'],
    ['40000, 40000, 1500000000\n0 1\n', 25, 'expected 1500040001 row offsets and column indices'],
    ['50000, 50000, 1\n0 1\n', 7, 'expected the number of columns in 0..42949'],
    ['2, 3, 2\n0 2 1\n0 1\n', 13, 'row offset 2 is smaller than the one before it'],
    ['2, 3, 2\n0 1 1\n0 1\n', 13, 'expected the last row offset to be 2'],
    ['2, 3, 2\n1 1 2\n0 1\n', 13, 'expected the first row offset to be 0'],
    ['2, 3, 2\n0 1 2\n0 3\n', 16, 'expected a column index in 0..2, got "3"'],
    ['1, 3, 2\n0 2\n1 1\n', 12, 'column 1 stands twice in one row'],
    ['1, 3, 1\n0 1\n1 1\n', 14, 'expected the end of the file'],
    ['2, 3, 2\n0 1\n0    1\n', 11, 'expected a row offset, a whole number, got the end of the line'],
  ])('refuses %j', (text, offset, message) => {
    const error = failing(() => readSmtx(ascii(text), 'bad.smtx'))
    expect(error).toMatchObject({ name: 'FileFormatError', code: 'NNZ_FILE_FORMAT', file: 'bad.smtx', offset })
    expect(error.message).toContain(`bad.smtx, offset ${offset}: `)
    expect(error.message).toContain(message)
  })
})

describe('Matrix Market', () => {
  test('reads general real matrices in any order of entries', () => {
    const w = readMatrixMarket(matrixMarket(), 'a.mtx')
    expect(structure(w)).toEqual(exampleStructure)
    expect([...w.values]).toEqual(values)
  })

  test('writes out symmetric and skew-symmetric halves', () => {
    const body = '3 3 2\n2 1 4\n3 2 -1\n'
    const dense = (symmetry: string): number[] => [
      ...csr.toDense(readMatrixMarket(ascii(`%%MatrixMarket matrix coordinate integer ${symmetry}\n${body}`), 'a')),
    ]
    expect(dense('symmetric')).toEqual([0, 4, 0, 4, 0, -1, 0, -1, 0])
    expect(dense('skew-symmetric')).toEqual([0, -4, 0, 4, 0, 1, 0, -1, 0])
    expect(
      readMatrixMarket(ascii('%%MatrixMarket matrix coordinate pattern symmetric\n2 2 2\n1 1\n2 1\n'), 'a').nnz,
    ).toBe(3)
  })

  test.each([
    ['%%MatrixMarket matrix array real general\n', 'expected the first line to be'],
    ['%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 0\n', 'got "complex"'],
    ['%%MatrixMarket matrix coordinate real hermitian\n', 'got "hermitian"'],
    ['%%MatrixMarket matrix coordinate real symmetric\n2 3 0\n', 'must be square'],
    ['%%MatrixMarket matrix coordinate real general\n60000000 1 0\n', 'more than a file of'],
    ['%%MatrixMarket matrix coordinate real general\n40000 40000 900000000\n1 1 1\n', 'bytes left hold at most'],
    ['%%MatrixMarket matrix coordinate real general\n2 2 1\n0 1 1\n', 'indices begin at 1'],
    ['%%MatrixMarket matrix coordinate real general\n2 2 1\n3 1 1\n', 'expected a row index in 0..2'],
    ['%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n1 2 1\n', 'only entries below its diagonal'],
    ['%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n1 1 1\n', 'only entries below its diagonal'],
    [
      '%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1\n',
      'expected a value, a decimal number, got the end of the line',
    ],
    ['%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 nan\n', 'got "nan"'],
    ['%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 1 5\n', 'expected the end of the line, got "5"'],
    ['%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 5\n1 1 6\n', 'column 1 stands twice'],
  ])('refuses %j', (text, message) => {
    const error = failing(() => readMatrixMarket(ascii(text), 'bad.mtx'))
    expect(error).toMatchObject({ name: 'FileFormatError', file: 'bad.mtx' })
    expect(error.message).toContain(message)
  })
})

describe('npz', () => {
  test.each([0, 6] as const)('reads what SciPy saves, at compression level %i', (level) => {
    const w = readNpz(npz(npzParts(), level), 'a.npz')
    expect(structure(w)).toEqual(exampleStructure)
    expect([...w.values]).toEqual(values)
  })

  const replaced = (name: string, part: Uint8Array): Uint8Array => npz({ ...npzParts(), [name]: part })
  const parts = npzParts()
  test.each([
    [
      'another format',
      () => replaced('format.npy', npzWith('format.npy', 'csr', 'bsr')),
      'expected the format csr, got "bsr"',
    ],
    ['big-endian indices', () => replaced('indptr.npy', npzWith('indptr.npy', '<i4', '>i4')), 'little-endian'],
    [
      'pickled objects',
      () => replaced('data.npy', npzWith('data.npy', '<f8', '|O8')),
      'expected a one-dimensional array of <f4 or <f8',
    ],
    ['Fortran order', () => replaced('data.npy', npzWith('data.npy', 'False', 'True ')), 'fortran_order False'],
    ['a cut array', () => replaced('data.npy', parts['data.npy'].slice(0, -3)), 'takes 48 bytes, the file has 45'],
    ['a giant shape', () => replaced('data.npy', npzWith('data.npy', '(6,)', '(9e9999,)')), 'expected a shape'],
    [
      'a giant matrix',
      () => replaced('shape.npy', npzWith('shape.npy', '\x06\0\0\0', '\0\0\0\x7f')),
      'more than 2147483648 elements',
    ],
    ['a column too far', () => replaced('shape.npy', npzWith('shape.npy', '\x06', '\x05')), 'element 4 is not in 0..4'],
    [
      'a negative column',
      () =>
        replaced(
          'indices.npy',
          parts['indices.npy'].map((byte, i, all) => (i === all.length - 1 ? 255 : byte)),
        ),
      'is not in 0..5',
    ],
    [
      'no data',
      () => npz(Object.fromEntries(Object.entries(parts).filter(([name]) => name !== 'data.npy'))),
      'there is no data.npy',
    ],
    ['no zip', () => ascii('PK nothing'), 'not a zip file'],
    ['a bomb', () => npz({ ...parts, 'data.npy': new Uint8Array(2 ** 27) }), 'unpacking takes more than'],
    [
      'many entries',
      () => npz(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`${i}`, new Uint8Array(0)]))),
      'more than 64 entries',
    ],
  ])('refuses %s', (_, bytes, message) => {
    const error = failing(() => readNpz(bytes(), 'bad.npz'))
    expect(error.name).toBe('FileFormatError')
    expect(error.file).toMatch(/^bad\.npz/)
    expect(error.message).toContain(message)
  })

  function npzWith(name: string, from: string, to: string): Uint8Array {
    const text = Buffer.from(parts[name]).toString('latin1')
    const changed = Buffer.from(
      text.replace(from, () => to),
      'latin1',
    )
    // The header's length must follow its text.
    const prefix = changed[6] === 1 ? 10 : 12
    changed.writeUInt16LE(changed.subarray(prefix).indexOf('\n') + 1, 8)
    return changed
  }
})

describe('safetensors', () => {
  test('lists tensors in file order and widens them to f32', () => {
    expect(listTensors(threeTensors(), 'a').map(({ name, dtype, shape }) => [name, dtype, [...shape]])).toEqual([
      ['a.weight', 'F32', [2, 3]],
      ['b.half', 'F16', [3]],
      ['c.brain', 'BF16', [1, 2]],
    ])
    expect([...readTensor(threeTensors(), 'a', 'a.weight').data]).toEqual([1, -2, 3, 4, 5, 6])
    expect([...readTensor(threeTensors(), 'a', 'b.half').data]).toEqual([1, -2, 2 ** -24])
    expect([...readTensor(threeTensors(), 'a', 'c.brain').data]).toEqual([1, -10])
  })

  test('widens every half-precision number as the runtime does', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i)
    const bytes = safetensors(
      { h: { dtype: 'F16', shape: [65536], data_offsets: [0, 131072] } },
      new Uint8Array(bits.buffer),
    )
    const expected = new DataView(bits.buffer)
    const { data } = readTensor(bytes, 'a', 'h')
    expect(data.every((value, i) => Object.is(value, expected.getFloat16(2 * i, true)))).toBe(true)
  })

  test('reads single tensors from a file', async () => {
    const path = join(folder, 'model.safetensors')
    writeFileSync(path, threeTensors())
    const file = await openSafetensors(path)
    expect(file.tensors).toEqual(listTensors(threeTensors(), 'a'))
    expect([...(await file.read('c.brain')).data]).toEqual([1, -10])
    await expect(file.read('missing')).rejects.toThrow(/model\.safetensors: there is no tensor "missing" among 3/)
    await file.close()
    writeFileSync(path, threeTensors().slice(0, -1))
    await expect(openSafetensors(path)).rejects.toMatchObject({ name: 'FileFormatError', file: 'model.safetensors' })
    writeFileSync(path, '')
    await expect(openSafetensors(path)).rejects.toMatchObject({ name: 'FileFormatError', offset: 0 })
  })

  const one = (entry: object, length = 8): Uint8Array => safetensors({ t: entry }, new Uint8Array(length))
  test.each([
    ['a header longer than the file', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 123), 'does not fit'],
    ['no JSON', safetensors('{"t":', new Uint8Array(0)), 'not JSON'],
    ['a list', safetensors('[]', new Uint8Array(0)), 'not a JSON object'],
    ['an unknown type', one({ dtype: 'F33', shape: [2], data_offsets: [0, 8] }), '"F33" is not known'],
    ['a negative extent', one({ dtype: 'F32', shape: [-2], data_offsets: [0, 8] }), 'a shape of whole numbers'],
    ['falling offsets', one({ dtype: 'F32', shape: [2], data_offsets: [8, 0] }), 'two rising data_offsets'],
    ['a wrong size', one({ dtype: 'F32', shape: [3], data_offsets: [0, 8] }), 'takes 12 bytes, its offsets span 8'],
    ['an absurd shape', one({ dtype: 'F32', shape: [2 ** 52, 2 ** 52], data_offsets: [0, 8] }), 'its offsets span 8'],
    ['bytes beyond the file', one({ dtype: 'F32', shape: [4], data_offsets: [0, 16] }), 'the file at'],
    ['a hole', one({ dtype: 'F32', shape: [1], data_offsets: [4, 8] }), 'should begin at'],
    [
      'an overlap',
      safetensors(
        {
          t: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
          u: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
        },
        new Uint8Array(8),
      ),
      'should begin at',
    ],
    ['bytes left over', one({ dtype: 'F32', shape: [1], data_offsets: [0, 4] }), 'the file at'],
  ])('refuses %s', (_, bytes, message) => {
    const error = failing(() => listTensors(bytes, 'bad.safetensors'))
    expect(error).toMatchObject({ name: 'FileFormatError', file: 'bad.safetensors' })
    expect(error.message).toContain(message)
  })

  test('refuses to widen whole numbers', () => {
    expect(
      failing(() => readTensor(one({ dtype: 'I64', shape: [1], data_offsets: [0, 8] }), 'a', 't')).message,
    ).toContain('is I64, expected F32')
  })
})

describe('Opus layers', () => {
  test('reads constant arrays of every type', () => {
    const arrays = readCArrays(opus(), 'a.c')
    expect([...arrays.keys()]).toEqual(['a_weights_int8', 'a_weights_idx', 'a_scale', 'd_weights_float'])
    expect([...arrays.get('d_weights_float')!.values]).toEqual([1.5, Math.fround(-0.2)])
  })

  test('places the blocks as the codec multiplies them', () => {
    const [layer, ...others] = readOpusLayers(opus(), 'a.c')
    expect(others).toEqual([])
    expect(layer.name).toBe('a')
    expect(layer.weights).toMatchObject({ shape: [16, 8], blockShape: [8, 4], nnz: 96 })
    const dense = bsr.toDense(layer.weights)
    // Output 1, input 2 is weight 1 * 4 + 2 of block 0; output 9, input 4 is weight 4 of block 2.
    expect(dense[1 * 8 + 2]).toBe((6 - 48) * (2 / 8))
    expect(dense[9 * 8 + 4]).toBe((2 * 32 + 4 - 48) * (10 / 8))
    expect(dense[9 * 8 + 0]).toBe(0)
  })

  test.each([
    ['a column that is no multiple of 4', opus('2, 0, 2, 1, 4'), 'is not a rising multiple of 4'],
    [
      'a giant matrix',
      ascii(new TextDecoder().decode(opus()).replace(',8,16)', ',400000000,16)')),
      '16 outputs x 400000000 inputs are too many',
    ],
    ['a column too far', opus('2, 0, 8, 1, 4'), 'is not a rising multiple of 4'],
    ['a column twice', opus('2, 4, 4, 1, 4'), 'is not a rising multiple of 4'],
    ['a negative count', opus('-2, 0, 4, 1, 4'), 'cannot have -2 blocks'],
    ['too many blocks', opus('9, 0, 4, 1, 4'), 'cannot have 9 blocks'],
    ['too few blocks', opus('1, 0, 1, 4, 4'), 'the index has room for 3'],
    ['an index without blocks', opus('0'), 'for each of -1 blocks'],
    ['weights that are missing', opus(undefined, [1, 2, 3]), 'expected 32 weights for each of 3 blocks, got 3'],
    ['weights beyond int8', opus(undefined, [128]), 'is not an int8: 128'],
    ['an absurd count', ascii('static const float x[4000000000] = { 1, 2 };'), 'expected 4000000000 numbers of x'],
    ['more numbers than declared', ascii('static const int x[1] = { 1, 2 };'), 'to end after 1 numbers'],
    [
      'an array twice',
      ascii('static const int x[1] = { 1 };\nstatic const int x[1] = { 1 };'),
      'the array x stands twice',
    ],
  ])('refuses %s', (_, bytes, message) => {
    const error = failing(() => readOpusLayers(bytes, 'bad.c'))
    expect(error).toMatchObject({ name: 'FileFormatError', file: 'bad.c' })
    expect(error.message).toContain(message)
  })
})
