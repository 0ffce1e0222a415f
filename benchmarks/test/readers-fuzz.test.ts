import { bsr, csr } from '@nnz/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  FileFormatError,
  listGguf,
  listTensors,
  readMatrixMarket,
  readNpz,
  readOpusLayers,
  readSmtx,
  readTensor,
} from '../src/readers/index.ts'
import { everyType } from './gguf-fixture.ts'
import { matrixMarket, npz, npzParts, opus, smtx, threeTensors } from './readers-fixtures.ts'

/** Every reader, with a whole file, and a check of what it returns. */
const readers: [name: string, bytes: Uint8Array, read: (bytes: Uint8Array) => void][] = [
  ['smtx', smtx(), (bytes) => csr.validate(readSmtx(bytes, 'fuzz'))],
  ['Matrix Market', matrixMarket(), (bytes) => csr.validate(readMatrixMarket(bytes, 'fuzz'))],
  ['npz, stored', npz(npzParts(), 0), (bytes) => csr.validate(readNpz(bytes, 'fuzz'))],
  ['npz, deflated', npz(npzParts(), 6), (bytes) => csr.validate(readNpz(bytes, 'fuzz'))],
  [
    'Opus layers',
    opus(),
    (bytes) => {
      for (const { weights } of readOpusLayers(bytes, 'fuzz')) bsr.validate(weights)
    },
  ],
  [
    'GGUF',
    everyType(),
    (bytes) => {
      for (const { offset, byteLength } of listGguf(bytes, 'fuzz').tensors)
        expect(offset + byteLength).toBeLessThanOrEqual(bytes.length)
    },
  ],
  [
    'safetensors',
    threeTensors(),
    (bytes) => {
      for (const { name, dtype, shape } of listTensors(bytes, 'fuzz')) {
        if (!/^B?F(16|32)$/.test(dtype)) continue
        const elements = shape.reduce((product, extent) => product * extent, 1)
        expect(readTensor(bytes, 'fuzz', name).data).toHaveLength(elements)
      }
    },
  ],
]

/** Damaged bytes either read as something valid or fail with the one error that readers throw. */
function readOrRefuse(read: (bytes: Uint8Array) => void, bytes: Uint8Array): void {
  try {
    read(bytes)
  } catch (error) {
    if (!(error instanceof FileFormatError)) throw error
    expect(error.offset).toBeGreaterThanOrEqual(0)
    expect(error.message).toContain('fuzz')
  }
}

describe.each(readers)('%s', (_, bytes, read) => {
  test('reads the whole file', () => read(bytes))

  test('survives truncation at every length', () => {
    for (let length = 0; length < bytes.length; length++) readOrRefuse(read, bytes.slice(0, length))
  })

  test('survives changed bytes', () => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const damaged = bytes.slice()
        for (const [at, value] of changes) damaged[at] = value
        readOrRefuse(read, damaged)
      }),
      { numRuns: 1000 },
    )
  })

  test('survives inserted and removed stretches', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(16), fc.uint8Array({ maxLength: 16 }), (at, removed, inserted) => {
        readOrRefuse(read, Uint8Array.from([...bytes.slice(0, at), ...inserted, ...bytes.slice(at + removed)]))
      }),
      { numRuns: 500 },
    )
  })

  test('survives arbitrary bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => readOrRefuse(read, noise)))
  })
})

test('readers take a view into a larger buffer', () => {
  for (const [, bytes, read] of readers) {
    const larger = new Uint8Array(bytes.length + 11).fill(0xff)
    larger.set(bytes, 3)
    read(larger.subarray(3, 3 + bytes.length))
  }
})
