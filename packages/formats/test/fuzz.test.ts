import { csr } from '@nnz/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ByteSource,
  bytesSource,
  FileFormatError,
  openGguf,
  openNpy,
  openNpz,
  openSafetensors,
  readMatrixMarket,
  readSmtx,
  readSparseNpz,
  type TensorFile,
} from '../src/index.ts'
import { example, matrixMarket, npy, npz, npzParts, smtx, threeTensors } from './support/fixtures.ts'
import { everyType } from './support/gguf.ts'

/** Reads every tensor that is floating point, and all of them as they are stored. */
async function readEverything(file: TensorFile): Promise<void> {
  for (const { name, shape, dtype } of file.tensors.values()) {
    await file.readRaw(name)
    if (!/^(B?F\d|Q)/.test(dtype)) continue
    expect((await file.read(name)).data).toHaveLength(shape.reduce((product, extent) => product * extent, 1))
  }
  await file.close()
}

/** Every reader, with a whole file, and a check of what it returns. */
const readers: [name: string, bytes: Uint8Array, read: (source: ByteSource) => Promise<void>][] = [
  ['smtx', smtx(), async (source) => csr.validate(await readSmtx(source))],
  ['Matrix Market', matrixMarket(), async (source) => csr.validate(await readMatrixMarket(source))],
  ['sparse npz, stored', npz(npzParts(), 0), async (source) => csr.validate(await readSparseNpz(source))],
  ['sparse npz, deflated', npz(npzParts(), 6), async (source) => csr.validate(await readSparseNpz(source))],
  ['npz', npz(npzParts(), 6), async (source) => readEverything(await openNpz(source))],
  [
    'npy',
    npy('<f4', [2, 3], Float32Array.from(example.values)),
    async (source) => readEverything(await openNpy(source)),
  ],
  ['GGUF', everyType(), async (source) => readEverything(await openGguf(source))],
  ['safetensors', threeTensors(), async (source) => readEverything(await openSafetensors(source))],
]

/** Damaged bytes either read as something valid or fail with the one error that readers throw. */
async function readOrRefuse(read: (source: ByteSource) => Promise<void>, bytes: Uint8Array): Promise<void> {
  try {
    await read(bytesSource(bytes, 'fuzz'))
  } catch (error) {
    if (!(error instanceof FileFormatError)) throw error
    expect(error.offset).toBeGreaterThanOrEqual(0)
    expect(error.message).toContain('fuzz')
  }
}

describe.each(readers)('%s', (_, bytes, read) => {
  test('reads the whole file', () => read(bytesSource(bytes)))

  test('survives truncation at every length', async () => {
    for (let length = 0; length < bytes.length; length++) await readOrRefuse(read, bytes.slice(0, length))
  })

  test('survives changed bytes', async () => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const damaged = bytes.slice()
        for (const [at, value] of changes) damaged[at] = value
        await readOrRefuse(read, damaged)
      }),
      { numRuns: 1000 },
    )
  })

  test('survives inserted and removed stretches', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length),
        fc.nat(16),
        fc.uint8Array({ maxLength: 16 }),
        async (at, removed, inserted) => {
          await readOrRefuse(read, Uint8Array.from([...bytes.slice(0, at), ...inserted, ...bytes.slice(at + removed)]))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('survives arbitrary bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (noise) => readOrRefuse(read, noise)))
  })
})

test('readers take a view into a larger buffer', async () => {
  for (const [, bytes, read] of readers) {
    const larger = new Uint8Array(bytes.length + 11).fill(0xff)
    larger.set(bytes, 3)
    await read(bytesSource(larger.subarray(3, 3 + bytes.length)))
  }
})
