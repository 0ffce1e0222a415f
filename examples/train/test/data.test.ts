import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { fetchFiles } from '../src/data/fetch.ts'
import { readIdx, readImages } from '../src/data/idx.ts'
import { imageTask } from '../src/data/images.ts'
import { loadTask } from '../src/data/load.ts'
import { readStrings } from '../src/data/r-strings.ts'
import { textTask } from '../src/data/text.ts'
import { readTensors, writeTensors } from '../src/safetensors.ts'
import { idx, imageFolder } from './fixtures.ts'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

/** Calls a reader with bytes that were damaged, which must be read or refused, never anything else. */
function survives(bytes: Buffer, read: (bytes: Buffer) => unknown): void {
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
      const damaged = Buffer.from(cut ? bytes.subarray(0, at) : bytes)
      if (!cut) damaged[at] = value
      try {
        read(damaged)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
  )
}

describe('idx files', () => {
  it('are read, packed or not', async () => {
    const folder = await imageFolder()
    folders.push(folder)
    const images = await readImages(folder, 't10k')
    expect(images.side).toBe(8)
    expect(images.labels).toHaveLength(40)
    expect(Math.max(...images.pixels)).toBeLessThanOrEqual(1)
    const task = await loadTask('fashion-mnist', folder)
    expect(task.description).toBe('Fashion-MNIST, 200 images to train on and 40 to judge on')
    expect([...task.held(16)].map(({ labels }) => labels.length)).toEqual([16, 16, 8])
  })

  it('that do not fit are refused with the file and the byte', async () => {
    expect(() => readIdx(idx([2], [1, 2]), 'f', 3)).toThrow(/^f, byte/)
    expect(() => readIdx(idx([3], [1, 2]), 'f', 1)).toThrow('f, byte 4: [3] takes 3 bytes, the file has 2')
    survives(idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]), (bytes) => readIdx(bytes, 'f', 3))
    const folder = await mkdtemp(join(tmpdir(), 'nnz-idx-'))
    folders.push(folder)
    await expect(readImages(folder, 'train')).rejects.toThrow(/neither train-images/)
    await writeFile(join(folder, 'train-images-idx3-ubyte'), idx([1, 1, 1], [0]))
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), idx([1], [11]))
    await expect(readImages(folder, 'train')).rejects.toThrow(
      'train-labels-idx1-ubyte, byte 8: expected a label in 0..9',
    )
    await writeFile(join(folder, 'train-labels-idx1-ubyte.gz'), 'no')
    vi.stubEnv('NNZ_CACHE', folder)
    await expect(loadTask('fashion-mnist', undefined)).rejects.toThrow(/--data/)
    vi.unstubAllEnvs()
  })
})

describe('fetching', () => {
  it('takes what has the right bytes, and leaves nothing of the rest', async () => {
    const content = idx([3], [1, 2, 3])
    const answers = new Map([
      ['/right.gz', gzipSync(content)],
      ['/other.gz', gzipSync(idx([3], [1, 2, 4]))],
      ['/bomb.gz', gzipSync(Buffer.alloc(1 << 20))],
      ['/torn.gz', gzipSync(content).subarray(0, 15)],
    ])
    const server = createServer(({ url = '' }, response) => {
      const body = answers.get(url)
      response.writeHead(body ? 200 : 404).end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const source = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const folder = await mkdtemp(join(tmpdir(), 'nnz-fetch-'))
    folders.push(folder)
    const sha256 = createHash('sha256').update(content).digest('hex')
    const get = (name: string) => fetchFiles(source, [{ name, bytes: content.length, sha256 }], folder)
    try {
      await get('right')
      await expect(get('other')).rejects.toThrow(/^other, byte 0: expected a SHA-256/)
      await expect(get('bomb')).rejects.toThrow(/^bomb, byte 0: cannot be unpacked into 11 bytes/)
      await expect(get('torn')).rejects.toThrow(/^torn/)
      await expect(get('none')).rejects.toThrow(/answered 404/)
    } finally {
      server.close()
    }
    expect(await readdir(folder)).toEqual(['right'])
    expect((await readFile(join(folder, 'right'))).equals(content)).toBe(true)
  })
})

/** An R object: a vector of strings in XDR form of version 3, deflated behind its size. */
function rObject(strings: readonly string[]): Buffer {
  const int = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const text = (value: string) => [int(0x40009), int(Buffer.byteLength(value)), Buffer.from(value)]
  const head = [Buffer.from('X\n'), int(3), int(0), int(0), int(5), Buffer.from('UTF-8'), int(16), int(strings.length)]
  const object = Buffer.concat([...head, ...strings.flatMap(text)])
  return Buffer.concat([int(object.length), deflateSync(object)])
}

describe('text', () => {
  it('of R packages', () => {
    const bytes = Buffer.concat([rObject(['It is', '', 'a truth']), rObject(['é'])])
    expect(readStrings(bytes, 'f')).toEqual([['It is', '', 'a truth'], ['é']])
    expect(() => readStrings(bytes.subarray(0, 20), 'f')).toThrow(/^f, byte 4: cannot be unpacked/)
    survives(bytes, (damaged) => readStrings(damaged, 'f'))
  })

  it('becomes windows whose labels are the next characters', () => {
    const text = 'abcdefghij'.repeat(60)
    const task = textTask('t', text, 8)
    expect(task.classes).toBe(11)
    const { x, labels } = task.batch(1, 0, 4)
    expect(x.shape).toEqual([4, 8])
    for (const [i, label] of labels.entries()) expect(label).toBe((x.data[i] % 10) + 1)
    expect(task.batch(1, 0, 4)).toEqual({ x, labels })
    expect(task.batch(1, 1, 4).x.data).not.toEqual(x.data)
    for (const { x: held, labels: next } of task.held(2)) expect(next).toHaveLength(held.data.length)
    expect(() => textTask('t', 'abc', 8)).toThrow(/too few/)
  })
})

it('every epoch shows each image once, in another order', () => {
  const images = { side: 1, pixels: Float32Array.from({ length: 10 }, (_, i) => i), labels: new Uint8Array(10) }
  const task = imageTask('t', images, images)
  const epoch = (number: number) => [0, 1].flatMap((i) => [...task.batch(3, 2 * number + i, 5).x.data])
  expect(epoch(0).toSorted((a, b) => a - b)).toEqual([...images.pixels])
  expect(epoch(1).toSorted((a, b) => a - b)).toEqual([...images.pixels])
  expect(epoch(1)).not.toEqual(epoch(0))
  expect(() => task.batch(1, 0, 11)).toThrow(/does not fit/)
})

it('checkpoint files hold what was written and refuse damage', () => {
  const tensors = new Map([
    ['a', { shape: [2, 2], data: Float32Array.of(1, -0, Number.NaN, 4) }],
    ['b', { shape: [3], data: Uint32Array.of(7, 8, 2 ** 32 - 1) }],
  ])
  const bytes = Buffer.from(writeTensors({ tensors, metadata: { run: 'é' } }))
  const read = readTensors(bytes, 'f')
  expect(read.metadata).toEqual({ run: 'é' })
  expect([...read.tensors]).toEqual([...tensors])
  survives(bytes, (damaged) => readTensors(damaged, 'f'))
  expect(() => readTensors(bytes.subarray(0, bytes.length - 1), 'f')).toThrow(/^f/)
})
