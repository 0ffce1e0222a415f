import { csr } from '@nnz/core'
import { describe, expect, test } from 'vitest'
import { bytesSource, readMatrixMarket, readSmtx, readSparseNpz } from '../src/index.ts'
import { allocatedBy } from './support/allocated.ts'
import { failing } from './support/failing.ts'
import { ascii, example, matrixMarket, npz, npzParts, smtx } from './support/fixtures.ts'

const structure = ({ shape, rowOffsets, columnIndices }: ReturnType<typeof csr>): object => ({
  shape: [...shape],
  rowOffsets: [...rowOffsets],
  columnIndices: [...columnIndices],
})
const { values, ...exampleStructure } = { ...example, shape: [...example.shape] }

describe('smtx', () => {
  test('reads the structure; values are ones, or what the caller gives', async () => {
    const w = await readSmtx(bytesSource(smtx(), 'a.smtx'))
    expect(structure(w)).toEqual(exampleStructure)
    expect([...w.values]).toEqual([1, 1, 1, 1, 1, 1])
    const values = (count: number) => Float32Array.from({ length: count }, (_, i) => i)
    expect([...(await readSmtx(bytesSource(smtx()), { values })).values]).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('reads empty matrices, line ends of Windows and unsorted columns', async () => {
    expect((await readSmtx(bytesSource(ascii('0, 5, 0\n0\n')))).shape).toEqual([0, 5])
    expect((await readSmtx(bytesSource(ascii('2, 0, 0\n0 0 0\n\n')))).nnz).toBe(0)
    expect([...(await readSmtx(bytesSource(ascii('1, 9, 3\r\n0 3\r\n8 0 4')))).columnIndices]).toEqual([0, 4, 8])
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
  ])('refuses %j', async (text, offset, message) => {
    const error = await failing(() => readSmtx(bytesSource(ascii(text), 'bad.smtx')))
    expect(error).toMatchObject({ name: 'FileFormatError', code: 'NNZ_FILE', file: 'bad.smtx', offset })
    expect(error.message).toContain(`bad.smtx: at byte ${offset}: `)
    expect(error.message).toContain(message)
  })
})

describe('Matrix Market', () => {
  test('reads general real matrices in any order of entries', async () => {
    const w = await readMatrixMarket(bytesSource(matrixMarket(), 'a.mtx'))
    expect(structure(w)).toEqual(exampleStructure)
    expect([...w.values]).toEqual(values)
  })

  test('writes out symmetric and skew-symmetric halves', async () => {
    const body = '3 3 2\n2 1 4\n3 2 -1\n'
    const dense = async (symmetry: string): Promise<number[]> => [
      ...csr.toDense(
        await readMatrixMarket(
          bytesSource(ascii(`%%MatrixMarket matrix coordinate integer ${symmetry}\n${body}`), 'a'),
        ),
      ),
    ]
    expect(await dense('symmetric')).toEqual([0, 4, 0, 4, 0, -1, 0, -1, 0])
    expect(await dense('skew-symmetric')).toEqual([0, -4, 0, 4, 0, 1, 0, -1, 0])
    const pattern = ascii('%%MatrixMarket matrix coordinate pattern symmetric\n2 2 2\n1 1\n2 1\n')
    expect((await readMatrixMarket(bytesSource(pattern))).nnz).toBe(3)
  })

  test.each([
    ['%%MatrixMarket matrix array real general\n', 'expected the first line to be'],
    ['%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 0\n', 'got "complex"'],
    ['%%MatrixMarket matrix coordinate real hermitian\n', 'got "hermitian"'],
    ['%%MatrixMarket matrix coordinate real symmetric\n2 3 0\n', 'must be square'],
    ['%%MatrixMarket matrix coordinate real general\n5000 1 0\n', 'more than a file of'],
    ['%%MatrixMarket matrix coordinate real general\n4000 4000 9000000\n1 1 1\n', 'bytes left hold at most'],
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
  ])('refuses %j', async (text, message) => {
    const error = await failing(() => readMatrixMarket(bytesSource(ascii(text), 'bad.mtx')))
    expect(error).toMatchObject({ name: 'FileFormatError', file: 'bad.mtx' })
    expect(error.message).toContain(message)
  })
})

describe('npz', () => {
  test.each([0, 6] as const)('reads what SciPy saves, at compression level %i', async (level) => {
    const w = await readSparseNpz(bytesSource(npz(npzParts(), level), 'a.npz'))
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
      'expected little-endian numbers or strings',
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
    ['a bomb', () => npz({ ...parts, 'data.npy': new Uint8Array(2 ** 24) }), 'unpacking takes more than'],
    ['a count beyond the entries', () => withCount(npz(), 0xfffe), 'more entries than fit'],
  ])('refuses %s', async (_, bytes, message) => {
    const error = await failing(() => readSparseNpz(bytesSource(bytes(), 'bad.npz')))
    expect(error.name).toBe('FileFormatError')
    expect(error.file).toMatch(/^bad\.npz/)
    expect(error.message).toContain(message)
  })

  test('a size that deflate cannot reach is not allocated', async () => {
    const bytes = npz({ 'a.npy': new Uint8Array(1000) })
    const directory = Buffer.from(bytes).indexOf('PK\x01\x02', 'latin1')
    new DataView(bytes.buffer).setUint32(directory + 24, 2 ** 20, true)
    const reading = () => readSparseNpz(bytesSource(bytes, 'bad.npz'))
    expect(await allocatedBy(() => failing(reading))).toBeLessThan(10_000)
    expect((await failing(reading)).message).toMatch(/"a.npy" cannot unpack from \d+ bytes to 1048576/)
    expect((await failing(() => readSparseNpz(bytesSource(npz(), 'n'), { unpackedBytes: 99 }))).message).toContain(
      'unpacking takes more than 99 bytes: the option unpackedBytes allows more',
    )
  })

  /** Another number of entries in the end record, which stands in the last 22 bytes. */
  function withCount(bytes: Uint8Array, count: number): Uint8Array {
    new DataView(bytes.buffer).setUint16(bytes.length - 22 + 8, count, true)
    return bytes
  }

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
