import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesSource, openGguf } from '../src/index.ts'
import { fileSource } from '../src/node.ts'
import { failing } from './support/failing.ts'
import { everyType, gguf } from './support/gguf.ts'

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
      ['the file ends too early', gguf({ a: 'text' }, []).subarray(0, 20)],
    ]
    for (const [message, bytes] of wrong) {
      const error = await failing(() => openGguf(bytesSource(bytes, 'm.gguf')))
      expect(error).toMatchObject({ name: 'FileFormatError', file: 'm.gguf' })
      expect(error.message).toContain(message)
    }
    const many = gguf({}, [])
    new DataView(many.buffer).setBigUint64(8, 2n ** 40n, true)
    await expect(openGguf(bytesSource(many))).rejects.toThrow('1099511627776 tensors do not fit into the file')
    await expect(opened(everyType().subarray(0, 60))).rejects.toThrow('model.gguf')
  })
})
