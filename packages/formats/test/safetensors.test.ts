import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesSource, openSafetensors } from '../src/index.ts'
import { fileSource } from '../src/node.ts'
import { failing } from './support/failing.ts'
import { safetensors, threeTensors } from './support/fixtures.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nnz-safetensors-'))
})
afterAll(() => rm(folder, { recursive: true }))

const open = (bytes: Uint8Array) => openSafetensors(bytesSource(bytes, 'a.safetensors'))
const one = (entry: object, length = 8): Uint8Array => safetensors({ t: entry }, new Uint8Array(length))

describe('safetensors', () => {
  test('lists tensors in file order and widens them to f32', async () => {
    const file = await open(threeTensors())
    expect([...file.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['a.weight', 'F32', [2, 3]],
      ['b.half', 'F16', [3]],
      ['c.brain', 'BF16', [1, 2]],
    ])
    expect(Object.fromEntries(file.metadata)).toEqual({ format: 'pt' })
    expect([...(await file.read('a.weight')).data]).toEqual([1, -2, 3, 4, 5, 6])
    expect([...(await file.read('b.half')).data]).toEqual([1, -2, 2 ** -24])
    expect([...(await file.read('c.brain')).data]).toEqual([1, -10])
    expect((await file.readRaw('b.half')).data).toEqual(Uint16Array.of(0x3c00, 0xc000, 1))
  })

  test('reads single tensors from a file and from a Blob', async () => {
    const path = join(folder, 'model.safetensors')
    await writeFile(path, threeTensors())
    for (const source of [
      await fileSource(path),
      bytesSource(new Blob([Uint8Array.from(threeTensors())]), 'model.safetensors'),
    ]) {
      const file = await openSafetensors(source)
      expect([...file.tensors]).toEqual([...(await open(threeTensors())).tensors])
      expect([...(await file.read('c.brain')).data]).toEqual([1, -10])
      await expect(file.read('missing')).rejects.toThrow(
        'model.safetensors: there is no tensor "missing" among 3, for example "a.weight"',
      )
      await file.close()
    }
    await writeFile(path, threeTensors().slice(0, -1))
    const opening = async () => openSafetensors(await fileSource(path))
    expect(await failing(opening)).toMatchObject({ name: 'FileFormatError', file: 'model.safetensors' })
    await writeFile(path, '')
    expect(await failing(opening)).toMatchObject({ name: 'FileFormatError', offset: 0 })
    await rm(path)
    await expect(opening()).rejects.toThrow('ENOENT')
  })

  test('closes the source of a file that it refuses', async () => {
    let closed = 0
    const source = { ...bytesSource(new Uint8Array(9), 'bad'), close: async () => void closed++ }
    await failing(() => openSafetensors(source))
    expect(closed).toBe(1)
  })

  test('a name that objects have is no tensor', async () => {
    const file = await open(
      safetensors('{"__proto__":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', Uint8Array.of(3, 4)),
    )
    expect((await file.readRaw('__proto__')).data).toEqual(Uint8Array.of(3, 4))
    await expect(file.read('toString')).rejects.toThrow('there is no tensor "toString"')
  })

  test.each([
    ['a header longer than the file', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 123), 'does not fit'],
    ['no JSON', safetensors('{"t":', new Uint8Array(0)), 'not JSON'],
    ['deep nesting', safetensors(`${'['.repeat(1e5)}`, new Uint8Array(0)), 'not JSON'],
    ['a list', safetensors('[]', new Uint8Array(0)), 'not a JSON object'],
    ['a name twice', safetensors('{"t":{},"t":{}}', new Uint8Array(0)), 'the header has "t" twice'],
    ['an unknown type', one({ dtype: 'F33', shape: [2], data_offsets: [0, 8] }), 'unknown type "F33"'],
    ['a negative extent', one({ dtype: 'F32', shape: [-2], data_offsets: [0, 8] }), 'a shape of whole numbers'],
    ['falling offsets', one({ dtype: 'F32', shape: [2], data_offsets: [8, 0] }), 'two rising data_offsets'],
    ['a wrong size', one({ dtype: 'F32', shape: [3], data_offsets: [0, 8] }), 'takes 12 bytes, its data_offsets are 8'],
    ['an absurd shape', one({ dtype: 'F32', shape: [2 ** 52, 2 ** 52], data_offsets: [0, 8] }), 'are 8 apart'],
    ['bytes beyond the file', one({ dtype: 'F32', shape: [4], data_offsets: [0, 16] }), 'reach beyond the file'],
    ['a hole', one({ dtype: 'F32', shape: [1], data_offsets: [4, 8] }), 'was expected at'],
    [
      'an overlap',
      safetensors(
        {
          t: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
          u: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
        },
        new Uint8Array(8),
      ),
      'was expected at',
    ],
    ['bytes left over', one({ dtype: 'F32', shape: [1], data_offsets: [0, 4] }), '4 bytes belong to no tensor'],
  ])('refuses %s', async (_, bytes, message) => {
    const error = await failing(() => open(bytes))
    expect(error).toMatchObject({ name: 'FileFormatError', code: 'NNZ_FILE', file: 'a.safetensors' })
    expect(error.message).toContain(message)
  })

  test('refuses to widen whole numbers', async () => {
    const file = await open(one({ dtype: 'I64', shape: [1], data_offsets: [0, 8] }))
    expect((await failing(() => file.read('t'))).message).toContain('is I64, expected floating point numbers')
    expect((await file.readRaw('t')).data).toEqual(BigInt64Array.of(0n))
  })
})
