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
  openOnnx,
  openSafetensors,
  openTensors,
  readMatrixMarket,
  readSmtx,
  readSparseNpz,
  type TensorFile,
} from '../src/index.ts'
import { allocatedBy } from './support/allocated.ts'
import { example, matrixMarket, npy, npz, npzParts, smtx, threeTensors } from './support/fixtures.ts'
import { everyType } from './support/gguf.ts'
import { everyKind } from './support/onnx.ts'

/** The same on every run of a continuous integration, another on each run elsewhere. */
const seed = Number(process.env.NNZ_TEST_SEED ?? (process.env.CI ? 1 : Date.now() % 2 ** 31))

/** Reads every tensor as it is stored, and widened where its elements are floating point numbers. */
async function readEverything(file: TensorFile): Promise<void> {
  for (const { name, shape, dtype } of file.tensors.values()) {
    // Texts of ONNX are not read.
    if (dtype.startsWith('ONNX')) continue
    const { data } = await file.readRaw(name)
    const elements = shape.reduce((product, extent) => product * extent, 1)
    if (/^(B?F|[IU])\d\d$/.test(dtype)) expect(data).toHaveLength(elements)
    if (/^(B?F\d|Q)/.test(dtype)) expect((await file.read(name)).data).toHaveLength(elements)
  }
  await file.close()
}

interface Reader {
  readonly bytes: Uint8Array
  /** Reads all there is, and checks that it is sound. */
  readonly read: (source: ByteSource) => Promise<unknown>
  /** Bytes that reading everything may allocate for each byte of the file, all arrays together, also short-lived ones. */
  readonly perByte: number
  /** The same whatever the file's size. */
  readonly always?: number
  /** Where the length of a header in text stands, of which two bytes are in use. */
  readonly headerLengthAt?: number
}

const sparseNpz = async (source: ByteSource) => csr.validate(await readSparseNpz(source))
// The limit of unpacking, and twice as much for the arrays that are made from what was unpacked.
const unpacking = { perByte: 3 * 64, always: 3 * 2 ** 20 }
const readers: Readonly<Record<string, Reader>> = {
  smtx: { bytes: smtx(), read: async (source) => csr.validate(await readSmtx(source)), perByte: 8 },
  'Matrix Market': {
    bytes: matrixMarket(),
    read: async (source) => csr.validate(await readMatrixMarket(source)),
    perByte: 24,
    always: 2 ** 16,
  },
  'sparse npz, stored': { bytes: npz(npzParts(), 0), read: sparseNpz, ...unpacking },
  'sparse npz, deflated': { bytes: npz(npzParts(), 6), read: sparseNpz, ...unpacking },
  npz: { bytes: npz(npzParts(), 6), read: async (source) => readEverything(await openNpz(source)), ...unpacking },
  npy: {
    bytes: npy('<f4', [2, 3], Float32Array.from(example.values)),
    read: async (source) => readEverything(await openNpy(source)),
    perByte: 4,
    headerLengthAt: 8,
  },
  GGUF: { bytes: everyType(), read: async (source) => readEverything(await openGguf(source)), perByte: 12 },
  safetensors: {
    bytes: threeTensors(),
    read: async (source) => readEverything(await openSafetensors(source)),
    perByte: 8,
    headerLengthAt: 0,
  },
  ONNX: { bytes: everyKind(), read: async (source) => readEverything(await openOnnx(source)), perByte: 32 },
  'ONNX, format found': {
    bytes: everyKind(),
    read: async (source) => readEverything(await openTensors(source)),
    perByte: 32,
  },
}

/**
 * Damaged bytes either read as something valid or fail with the one error that readers throw, which names the file and an
 * offset inside; either way no array is made that the size of the file does not warrant.
 */
async function readOrRefuse({ read, perByte, always = 0 }: Reader, bytes: Uint8Array): Promise<void> {
  const allocated = await allocatedBy(async () => {
    try {
      await read(bytesSource(bytes, 'fuzz'))
    } catch (error) {
      if (!(error instanceof FileFormatError)) throw error
      expect(error.message).toMatch(/^fuzz(\/[ -~]*\.npy)?: at byte \d+: ./)
      expect(error.offset).toBeGreaterThanOrEqual(0)
      if (error.file === 'fuzz') expect(error.offset).toBeLessThanOrEqual(bytes.length)
    }
  })
  expect(allocated).toBeLessThanOrEqual(perByte * bytes.length + always + 1024)
}

describe.each(Object.entries(readers))('%s', (_, reader) => {
  const { bytes, read } = reader

  test('reads the whole file', () => read(bytesSource(bytes)))

  test('survives truncation at every length', async () => {
    for (let length = 0; length <= bytes.length; length++) await readOrRefuse(reader, bytes.slice(0, length))
  })

  test(`survives changed bytes (NNZ_TEST_SEED=${seed})`, async () => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const damaged = bytes.slice()
        for (const [at, value] of changes) damaged[at] = value
        await readOrRefuse(reader, damaged)
      }),
      { seed, numRuns: 1000 },
    )
  })

  test(`survives huge and negative numbers anywhere (NNZ_TEST_SEED=${seed})`, async () => {
    const number = fc.oneof(
      fc.constantFrom(2n ** 63n, 2n ** 63n - 1n, 2n ** 64n - 1n, 2n ** 53n, 2n ** 32n, 2n ** 31n, 2n ** 31n - 1n),
      fc.bigInt(0n, 2n ** 64n - 1n),
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 8), number, fc.constantFrom(1, 2, 4, 8), async (at, value, size) => {
        const damaged = bytes.slice()
        for (let i = 0; i < size; i++) damaged[at + i] = Number((value >> BigInt(8 * i)) & 255n)
        await readOrRefuse(reader, damaged)
      }),
      { seed, numRuns: 1000 },
    )
  })

  const numbers = [...Buffer.from(bytes).toString('latin1').matchAll(/\d+/g)]
  test.runIf(numbers.length > 0)(`survives other numbers in texts (NNZ_TEST_SEED=${seed})`, async () => {
    const others = ['-1', '1.5', '1e400', '4294967296', '4294967295', '2147483648', '1000000', '9007199254740993']
    const other = fc.oneof(fc.constantFrom(...others), fc.maxSafeNat().map(String))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...numbers), other, async ({ 0: found, index }, text) => {
        const rest = bytes.slice(index + found.length)
        const damaged = Uint8Array.from([...bytes.slice(0, index), ...new TextEncoder().encode(text), ...rest])
        // A header that has become longer would only be cut, were its length not changed as well.
        const at = reader.headerLengthAt
        const view = new DataView(damaged.buffer)
        if (at !== undefined) view.setUint16(at, view.getUint16(at, true) + text.length - found.length, true)
        await readOrRefuse(reader, damaged)
      }),
      { seed, numRuns: 500 },
    )
  })

  test(`survives inserted and removed stretches (NNZ_TEST_SEED=${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length), fc.nat(16), fc.uint8Array({ maxLength: 16 }), (at, removed, inserted) =>
        readOrRefuse(reader, Uint8Array.from([...bytes.slice(0, at), ...inserted, ...bytes.slice(at + removed)])),
      ),
      { seed, numRuns: 500 },
    )
  })

  test(`survives arbitrary bytes (NNZ_TEST_SEED=${seed})`, async () => {
    const noise = fc.uint8Array({ maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(noise, (bytes) => readOrRefuse(reader, bytes)),
      { seed },
    )
  })

  test('takes a view into a larger buffer', async () => {
    const larger = new Uint8Array(bytes.length + 11).fill(0xff)
    larger.set(bytes, 3)
    await read(bytesSource(larger.subarray(3, 3 + bytes.length)))
  })
})

test('allocations are counted', async () => {
  expect(await allocatedBy(async () => new Float32Array(1000))).toBe(4000)
  expect(await allocatedBy(async () => Uint16Array.from([1, 2, 3]))).toBe(6)
  const bytes = new Uint8Array(100)
  expect(await allocatedBy(async () => bytes.slice(50))).toBe(50)
  expect(await allocatedBy(async () => new Uint16Array(bytes.buffer))).toBe(0)
  expect(await allocatedBy(async () => bytesSource(bytes).read(0, 30))).toBe(30)
})
