import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bsr } from '../src/layouts/bsr.ts'
import { coo } from '../src/layouts/coo.ts'
import { csc } from '../src/layouts/csc.ts'
import { type Csr, csr } from '../src/layouts/csr.ts'
import { dense } from '../src/layouts/dense.ts'
import { nm } from '../src/layouts/nm.ts'
import { nmg } from '../src/layouts/nmg.ts'
import { type LoadOptions, load, STORED_LAYOUTS, type Storable, save } from '../src/storage.ts'
import { tensor } from '../src/tensor.ts'

const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)

/** The header of a file, as JSON, and where its data begin. */
function headerOf(file: Uint8Array): { header: Record<string, never>; start: number } {
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  return { header: JSON.parse(new TextDecoder().decode(file.slice(8, start))), start }
}

/** A file with another header. */
function withHeader(file: Uint8Array, header: string | Record<string, unknown>): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const { start } = headerOf(file)
  const changed = new Uint8Array(8 + text.length + file.length - start)
  new DataView(changed.buffer).setBigUint64(0, BigInt(text.length), true)
  changed.set(text, 8)
  changed.set(file.subarray(start), 8 + text.length)
  return changed
}

const matrix = fc.tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 900 })).chain(([rows, columns]) =>
  fc
    .array(fc.tuple(fc.nat(Math.max(0, rows * columns - 1)), fc.float({ noNaN: true, min: -9, max: 9 })), {
      maxLength: rows * columns === 0 ? 0 : 60,
    })
    .map((entries) => {
      const data = new Float32Array(rows * columns)
      for (const [at, value] of entries) data[at] = value
      return { shape: [rows, columns] as const, data }
    }),
)

describe(`round trips (NNZ_TEST_SEED=${seed})`, () => {
  it('every layout, every type of values, tensors and metadata', () => {
    fc.assert(
      fc.property(matrix, fc.integer({ min: 0, max: 7 }), fc.string(), ({ shape, data }, shift, text) => {
        const w = csr.fromDense(data, shape)
        const b = bsr.fromDense(data, shape, [2, 3])
        const d = dense({ shape, values: data })
        const weights = {
          w,
          'b.16': bsr.quantise(b, { type: 'bf16' }),
          columns: csc.fromCsr(w),
          entries: coo.fromCsr(w),
          b,
          i8: csr.quantise(w, { type: 'i8', scales: { columns: 5 } }),
          d,
          d8: dense.quantise(d, { type: 'i8' }),
          half: csr.quantise(w, { type: 'f16' }),
          nm: nm.fromDense(data, shape, { n: 2, m: 4 }),
          nm8: nm.quantise(nm.fromDense(data, shape, { n: 1, m: 8 }), { type: 'i8' }),
          nmg: nmg.fromDense(data, shape, { n: 2, m: 4, g: 3 }),
          ['__proto__']: w,
          '7': b,
        }
        const bias = tensor([1, 2, 3], [3])
        const file = save(
          [...Object.entries(weights), ['bias', bias], [text, bias]].slice(
            0,
            text in weights || text === 'bias' ? -1 : undefined,
          ) as never,
          {
            metadata: { made: text },
          },
        )
        // At any address, as the buffers of Node's files are.
        const moved = new Uint8Array(file.length + shift).subarray(shift)
        moved.set(file)
        const loaded = load(moved)
        for (const [name, want] of Object.entries(weights)) expect(loaded.weights.get(name)).toEqual(want)
        expect(loaded.weights.get('bias')).toEqual(bias)
        expect([...loaded.metadata]).toEqual([['made', text]])
      }),
      { seed, numRuns: 60 },
    )
  })

  it('knows every layout by its tag', () => {
    for (const { layout } of STORED_LAYOUTS) expect(typeof layout).toBe('string')
    expect(STORED_LAYOUTS.map(({ layout }) => layout)).toEqual(
      expect.arrayContaining(['csr', 'csc', 'bsr', 'coo', 'dense', 'nm', 'nmg']),
    )
  })

  it('strided tensors are written row-major; f16 and bf16 of other writers are read', () => {
    const file = save({ x: tensor([1, 2, 3, 4, 5, 6], [2, 3], { strides: [1, 2] }) })
    expect(load(file).weights.get('x')).toEqual(tensor([1, 3, 5, 2, 4, 6], [2, 3]))
    const { header, start } = headerOf(file)
    const other = withHeader(file, { x: { ...(header.x as object), dtype: 'BF16', shape: [3, 4] } })
    const values = load(other).weights.get('x') as ReturnType<typeof tensor>
    expect(values.shape).toEqual([3, 4])
    expect([...values.data].filter((_, i) => i % 2 === 1)).toEqual([1, 3, 5, 2, 4, 6])
    expect(start % 8).toBe(0)
  })

  it('indices take one byte where gaps are small, two below 65536 columns', () => {
    const columns = 4000
    const near = csr({
      shape: [1, columns],
      rowOffsets: [0, 400],
      columnIndices: Array.from({ length: 400 }, (_, i) => 10 * i),
      values: new Float32Array(400),
    })
    const far = csr({
      shape: [1, columns],
      rowOffsets: [0, 4],
      columnIndices: [999, 1999, 2999, 3999],
      values: new Float32Array(4),
    })
    const { header } = headerOf(
      save({ near, far, large: csr({ ...far, shape: [1, 1e9], columnIndices: [0, 1, 2, 1e9 - 1] }) }),
    )
    expect(header['near.columnIndices']).toMatchObject({ dtype: 'U8', shape: [400] })
    expect(header['far.columnIndices']).toMatchObject({ dtype: 'U16' })
    expect(header['large.columnIndices']).toMatchObject({ dtype: 'U32' })
    // 90 % sparse and i8: a tenth of the weights at two bytes each, against four.
    const pruned = csr.fromDense(
      Float32Array.from({ length: 256 * 1024 }, (_, i) => (i % 10 === (i >> 10) % 7 ? Math.sin(i) : 0)),
      [256, 1024],
    )
    expect(save({ w: csr.quantise(pruned, { type: 'i8' }) }).length).toBeLessThan((256 * 1024 * 4) / 17)
  })

  it('arrays that need no conversion are views of the file', () => {
    const file = save({ w: csr.fromDense([1, 2], [1, 2]) })
    expect((load(file).weights.get('w') as Csr).values.buffer).toBe(file.buffer)
  })

  it('layouts of other packages join with one entry', () => {
    interface Diagonal extends Storable {
      readonly layout: 'diagonal'
      readonly band: number
      readonly signs: Uint8Array
    }
    const create = (parts: Diagonal): Diagonal => ({ ...parts, layout: 'diagonal' })
    const w = create({
      layout: 'diagonal',
      shape: [2, 2],
      values: Float32Array.of(1, 2),
      band: 3,
      signs: Uint8Array.of(1, 0),
    })
    const layouts = [{ layout: 'diagonal', create }]
    expect(load(save({ w }, { layouts }), { layouts }).weights.get('w')).toEqual(w)
    expect(() => load(save({ w }, { layouts }))).toThrow(/file: at byte 8: "w": layout "diagonal" is unknown here/)
    expect(() => save({ w })).toThrow(/"w": expected a layout or a tensor, got a diagonal layout/)
  })
})

describe('what cannot be saved', () => {
  const w = csr.fromDense([1, 2], [1, 2])
  it.each<[string, () => unknown, RegExp]>([
    ['nothing', () => save(undefined as never), /expected weights by name, got undefined/],
    ['an array', () => save({ w: [1, 2] as never }), /"w": expected a layout or a tensor, got Array\(2\)/],
    ['two of one name', () => save({ w, 'w.values': tensor([1], [1]) }), /two arrays are called "w.values"/],
    ['the name of the metadata', () => save({ __metadata__: w }), /belongs to the file format/],
    [
      'metadata that is no text',
      () => save({ w }, { metadata: { a: 1 as never } }),
      /metadata "a": expected a string, got 1/,
    ],
    ['metadata of ours', () => save({ w }, { metadata: { nnz: '' } }), /key "nnz" is taken/],
    [
      'a record that is inconsistent',
      () => save({ w: { ...w, columnIndices: Uint32Array.of(1, 0) } as Storable }),
      /columnIndices\[1\]: expected rising/,
    ],
  ])('%s', (_, act, message) => expect(act).toThrow(message))
})

describe('damaged files', () => {
  const w = csr.fromDense([0, 5, 0, 0, 0, 7, 1, 2, 0], [3, 3])
  const q = csr.quantise(w, { type: 'i8' })
  const file = save({ w, q, bias: tensor([1, 2], [2]) }, { metadata: { note: 'x' } })
  const { header } = headerOf(file)
  const entry = header['w.values'] as { data_offsets: [number, number]; shape: number[]; dtype: string }
  const contents = JSON.parse((header.__metadata__ as { nnz: string }).nnz)
  const change = (name: string, changed: object) =>
    withHeader(file, { ...header, [name]: { ...(header[name] as object), ...changed } })
  const describeAs = (nnz: unknown) =>
    withHeader(file, { ...header, __metadata__: { nnz: typeof nnz === 'string' ? nnz : JSON.stringify(nnz) } })
  const layoutAs = (changed: object) =>
    describeAs({ ...contents, layouts: { ...contents.layouts, w: { ...contents.layouts.w, ...changed } } })
  const [begin, end] = entry.data_offsets
  const without = (name: string) => Object.fromEntries(Object.entries(header).filter(([key]) => key !== name))

  it.each<[string, () => Uint8Array, RegExp]>([
    ['empty', () => new Uint8Array(0), /^m.st: at byte 0: expected a header length of 8 bytes, the file has 0/],
    [
      'a header longer than the file',
      () => Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255),
      /at byte 0: a header of 18446744073709551615 bytes does not fit/,
    ],
    ['a header that is no JSON', () => withHeader(file, '{"w'), /at byte 8: the header is not JSON/],
    [
      'a header that is no UTF-8',
      () => Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff),
      /at byte 8: the header is not JSON/,
    ],
    ['a header that is a list', () => withHeader(file, '[]'), /not a JSON object/],
    [
      'a name twice',
      () =>
        withHeader(
          file,
          `{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},${JSON.stringify({ '\u0061': entry }).slice(1)}`,
        ),
      /the header has "a" twice/,
    ],
    [
      'a name twice, one of them in escapes',
      () =>
        withHeader(file, `{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0061":${JSON.stringify(entry)}}`),
      /the header has "a" twice/,
    ],
    [
      'metadata that is no text',
      () => withHeader(file, { ...header, __metadata__: { a: 1 } }),
      /expected "a" to be a string/,
    ],
    ['an unknown type', () => change('w.values', { dtype: 'F4' }), /tensor "w.values": unknown type "F4"/],
    ['another type', () => change('bias', { dtype: 'I32' }), /tensor "bias": expected F32, F16 or BF16, got I32/],
    ['a negative shape', () => change('w.values', { shape: [-4] }), /"w.values": expected a shape of whole numbers/],
    [
      'an immense shape',
      () => change('w.values', { shape: [2 ** 40, 2 ** 40] }),
      /takes 4.8\d+e\+24 bytes, its data_offsets are 16 apart/,
    ],
    ['falling offsets', () => change('w.values', { data_offsets: [end, begin] }), /two rising data_offsets/],
    [
      'offsets beyond the file',
      () => change('w.values', { data_offsets: [begin, begin + 4e9], shape: [1e9] }),
      /reach beyond the file/,
    ],
    [
      'overlapping tensors',
      () => change('w.values', { data_offsets: [begin + 4, end + 4] }),
      /tensor ".*" was expected at \d+/,
    ],
    ['a hole', () => withHeader(file, without('bias')), /was expected at|belong to no tensor/],
    ['bytes at the end', () => Uint8Array.of(...file, 0), /1 bytes belong to no tensor/],
    [
      'another version',
      () => describeAs({ version: 2, layouts: {} }),
      /stored in version 2, this library reads version 1/,
    ],
    ['no version', () => describeAs({ layouts: {} }), /stored in version undefined/],
    ['contents that are no JSON', () => describeAs('{'), /description of its layouts is not JSON/],
    ['contents that are null', () => describeAs('null'), /not an object/],
    ['layouts in a list', () => describeAs({ version: 1, layouts: [] }), /expected layouts by name/],
    [
      'a layout twice',
      () => describeAs(`{"version":1,"layouts":{"w":${JSON.stringify(contents.layouts.w)},"w":{}}}`),
      /layouts has "w" twice|expected the description/,
    ],
    ['no description', () => layoutAs({ arrays: { rowOffsets: 'F128' } }), /"w": expected the description of a layout/],
    ['an unknown layout', () => layoutAs({ layout: 'nope' }), /"w": layout "nope" is unknown here/],
    [
      'a shape of three',
      () => layoutAs({ shape: [1, 2, 3] }),
      /at byte \d+: "w": csr: expected a shape \[rows, columns\]/,
    ],
    [
      'a larger shape',
      () => layoutAs({ shape: [2 ** 31, 3] }),
      /"w": csr: rowOffsets: expected 2147483649 entries, got 4/,
    ],
    ['a smaller shape', () => layoutAs({ shape: [3, 2] }), /"w": csr: columnIndices\[\d\]: expected an index below 2/],
    [
      'a tensor less',
      () => layoutAs({ arrays: { ...contents.layouts.w.arrays, other: 'U8' } }),
      /"w": there is no tensor "w.other"/,
    ],
    [
      'gaps of another array',
      () => layoutAs({ gaps: 'other', arrays: { rowOffsets: 'U32' } }),
      /other of a csr is not stored as gaps/,
    ],
    [
      'an array of another type',
      () => layoutAs({ arrays: { ...contents.layouts.w.arrays, rowOffsets: 'F32' } }),
      /tensor "w.rowOffsets": expected F32, got U16/,
    ],
    [
      'a tensor that is a layout, too',
      () => withHeader(file, JSON.parse(JSON.stringify(header).replace('"bias"', '"w"'))),
      /"w" is both a layout and a tensor/,
    ],
  ])('%s', (_, make, message) => {
    const read = () => load(make(), { file: 'm.st' })
    expect(read).toThrow(message)
    expect(read).toThrow(RangeError)
    expect(read).toThrow(
      expect.objectContaining({ code: 'NNZ_FILE', message: expect.stringMatching(/^m\.st: at byte \d+: /) }),
    )
  })

  it.each([
    ['nm', { n: 2, m: 4 }],
    ['nmg', { n: 2, m: 4, g: 2 }],
  ] as const)('immense %s weights without elements', (layout, pattern) => {
    const arrays = { indices: 'U8' }
    const contents = { version: 1, layouts: { w: { layout, shape: [2 ** 31, 0], attributes: pattern, arrays } } }
    const empty = { shape: [0], data_offsets: [0, 0] }
    const tensors = { 'w.values': { dtype: 'F32', ...empty }, 'w.indices': { dtype: 'U8', ...empty } }
    const bytes = withHeader(save({}), { ...tensors, __metadata__: { nnz: JSON.stringify(contents) } })
    expect(() => load(bytes)).toThrow(
      expect.objectContaining({
        code: 'NNZ_FILE',
        message: expect.stringContaining(
          `"w": ${layout}: [2147483648, 0] has no elements, expected extents of at most`,
        ),
      }),
    )
  })

  it('an immense tensor without elements', () => {
    const bytes = withHeader(save({}), { t: { dtype: 'F32', shape: [0, 2 ** 31], data_offsets: [0, 0] } })
    expect(() => load(bytes)).toThrow(
      expect.objectContaining({ code: 'NNZ_FILE', message: expect.stringContaining('at most 2^24 beside a 0') }),
    )
  })

  it('an offset leads to the array that is wrong', () => {
    const damaged = file.slice()
    const { start } = headerOf(file)
    const at = start + (header['w.rowOffsets'] as { data_offsets: number[] }).data_offsets[0]
    damaged[at] = 9
    expect(() => load(damaged)).toThrow(
      new RegExp(
        `^file: at byte (${at}|${start + (header['w.columnIndices'] as { data_offsets: number[] }).data_offsets[0]}): `,
      ),
    )
  })

  it.each([
    ['coo', coo({ shape: [2 ** 31, 2 ** 30], rowIndices: [7], columnIndices: [9], values: [1] })],
    ['csc', csc({ shape: [2 ** 31, 1], columnOffsets: [0, 1], rowIndices: [7], values: [1] })],
    ['csr', csr({ shape: [1, 2 ** 24 + 1], rowOffsets: [0, 1], columnIndices: [7], values: [1] })],
  ])('few bytes that claim an immense %s, but where that is allowed', (_, w) => {
    const bytes = save({ w })
    expect(() => load(bytes)).toThrow(
      expect.objectContaining({ code: 'NNZ_FILE', message: expect.stringContaining('is larger than 16777216') }),
    )
    expect(load(bytes, { largestExtent: 2 ** 31 }).weights.get('w')).toEqual(w)
  })

  it('not a Uint8Array', () => expect(() => load('file' as never)).toThrow(/load: expected a Uint8Array, got "file"/))

  const quiet = (bytes: Uint8Array, options?: LoadOptions) => {
    try {
      return load(bytes, options)
    } catch (error) {
      return error as Error & { code?: string }
    }
  }

  it('cut anywhere', () => {
    for (let length = 0; length < file.length; length++)
      expect(quiet(file.slice(0, length))).toMatchObject({ code: 'NNZ_FILE' })
  })

  it(`with any byte changed: an error of ours, or sound weights (NNZ_TEST_SEED=${seed})`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (changes) => {
          const damaged = file.slice()
          for (const [at, byte] of changes) damaged[at] = byte
          const result = quiet(damaged)
          if (result instanceof Error) expect(result).toMatchObject({ code: 'NNZ_FILE' })
          else
            for (const found of result.weights.values())
              if ('layout' in found && found.layout === 'csr') csr.validate(found as never)
        },
      ),
      { seed, numRuns: 3000 },
    )
  })
})
