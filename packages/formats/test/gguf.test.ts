import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesSource, openGguf } from '../src/index.ts'
import { fileSource } from '../src/node.ts'
import { allocatedBy } from './support/allocated.ts'
import { failing } from './support/failing.ts'
import { everyType, gguf, Writer } from './support/gguf.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nnz-gguf-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function opened(bytes: Uint8Array) {
  const path = join(folder, 'model.gguf')
  await writeFile(path, bytes)
  return openGguf(await fileSource(path))
}

describe('GGUF', () => {
  test('reads the metadata and every type of tensor', async () => {
    const file = await opened(everyType())
    try {
      expect(Object.fromEntries(file.metadata)).toEqual({
        'general.architecture': 'llama',
        'llama.rope.freq_base': 10_000,
        'tokens.list': ['a', 'Ġb'],
      })
      const read = async (name: string) => [...(await file.read(name)).data]
      const steps = Array.from({ length: 16 }, (_, i) => i)
      expect((await file.read('plain')).shape).toEqual([2, 3])
      expect(await read('plain')).toEqual([1, -2, 3, 4, 5, 6])
      expect(await read('half')).toEqual([1, -2, 2 ** -24])
      expect(await read('q4_0')).toEqual([...steps, ...steps.toReversed()].map((step) => 2 * (step - 8)))
      expect(await read('q4_1')).toEqual([...steps, ...steps.toReversed()].map((step) => step / 2 - 1))
      expect(await read('q8_0')).toEqual(Array.from({ length: 32 }, (_, i) => (i - 16) / 2))
      await expect(file.read('other')).rejects.toThrow('model.gguf: there is no tensor "other" among 5')
    } finally {
      await file.close()
    }
  })

  test('reads a header that is longer than what is read at first', async () => {
    const tokens = Array.from({ length: 20_000 }, (_, i) => `token ${i} of many`)
    const file = await opened(gguf({ tokens }, []))
    expect(file.metadata.get('tokens')).toEqual(tokens)
    await file.close()
  })

  test('names the file and the offset of what is wrong', async () => {
    const data = new Uint8Array(4)
    const plain = { name: 'w', type: 0, shape: [1], data }
    const wrong: [string, Uint8Array][] = [
      ['m.gguf: at byte 0: expected the letters GGUF', new TextEncoder().encode('GGML0000')],
      ['overlap', gguf({}, [plain, { ...plain, name: 'x', offset: 0 }])],
      ['expected multiples of 32 inside', gguf({}, [{ ...plain, offset: 4 }])],
      ['expected multiples of 32 inside', gguf({}, [{ ...plain, shape: [10 ** 6] }])],
      ['whole blocks of 32', gguf({}, [{ ...plain, type: 3 }])],
      ['a type that is not known: 99', gguf({}, [{ ...plain, type: 99 }])],
      ['expected general.alignment to be in 8..65536, got 7', gguf({ 'general.alignment': 7 }, [])],
      ['the tensor "w" is there twice', gguf({}, [plain, plain])],
      ['has 5 axes, expected at most 4', gguf({}, [{ ...plain, shape: [1, 1, 1, 1, 1] }])],
      ['expected an integer below 2^53, got 9223372036854775808', gguf({}, [{ ...plain, shape: [2 ** 63] }])],
      ['expected multiples of 32 inside', gguf({}, [{ ...plain, shape: [2 ** 52, 2 ** 52, 2 ** 52, 2 ** 52] }])],
      ['expected multiples of 32 inside', gguf({}, [{ ...plain, offset: 2 ** 52 }])],
      ['the file ends too early', gguf({ a: 'text' }, []).subarray(0, 20)],
    ]
    for (const [message, bytes] of wrong) {
      const error = await failing(() => openGguf(bytesSource(bytes, 'm.gguf')))
      expect(error).toMatchObject({ name: 'FileFormatError', file: 'm.gguf' })
      expect(error.message).toContain(message)
    }
    const start = () => new Writer().u32(0x46554747).u32(3)
    const value = (type: number) => start().u64(0).u64(1).text('k').u32(type)
    const nested = Array.from({ length: 6 }).reduce<Writer>((writer) => writer.u32(9).u64(1), value(9))
    const damaged: [string, Writer][] = [
      ['expected version 2 or 3, got 1', new Writer().u32(0x46554747).u32(1).u64(0).u64(0)],
      [
        'expected an integer below 2^53',
        start()
          .u64(2n ** 63n)
          .u64(0),
      ],
      [
        '4503599627370496 values do not fit into the file',
        start()
          .u64(0)
          .u64(2n ** 52n),
      ],
      [
        '4503599627370496 bytes of text do not fit',
        start()
          .u64(0)
          .u64(1)
          .u64(2n ** 52n)
          .u64(0),
      ],
      [
        '4503599627370496 elements do not fit',
        value(9)
          .u32(0)
          .u64(2n ** 52n)
          .u64(0),
      ],
      ['arrays lie more than 4 deep', nested.u32(0).u64(0).u64(0)],
      ['values of type 13 are not known', value(13).u64(0)],
      ['values of type 13 are not known', value(9).u32(13).u64(1).u64(0)],
      ['expected text in UTF-8', value(8).u64(1).bytes(0xff)],
      ['the key "k" is there twice', start().u64(0).u64(2).text('k').u32(0).bytes(1).text('k').u32(0).bytes(1)],
    ]
    for (const [message, writer] of damaged) {
      const bytes = Uint8Array.from(writer.parts.flatMap((part) => [...part]))
      const opening = () => openGguf(bytesSource(bytes, 'm.gguf'))
      expect(await allocatedBy(() => failing(opening))).toBeLessThanOrEqual(bytes.length + 8)
      expect((await failing(opening)).message).toContain(message)
    }
    const many = gguf({}, [])
    new DataView(many.buffer).setBigUint64(8, 2n ** 40n, true)
    await expect(openGguf(bytesSource(many))).rejects.toThrow('1099511627776 tensors do not fit into the file')
    await expect(opened(everyType().subarray(0, 60))).rejects.toThrow('model.gguf')
  })
})
