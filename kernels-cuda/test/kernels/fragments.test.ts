import { describe, expect, it } from 'vitest'
import { noEmulator, openDevice } from '../emulator.ts'
import { wholeNumbers } from '../numbers.ts'
import { a8, a16, accumulators, b8, b16, metadataPlace, type Place } from './fragment-tables.ts'

const LANES = [...Array(32).keys()]

/** Bits of small whole numbers in the storage types, 2 or 1 bytes each. */
const STORED = {
  f16: (x: number) => new Uint16Array(new Float16Array([x]).buffer)[0],
  bf16: (x: number) => new Uint32Array(new Float32Array([x]).buffer)[0] >>> 16,
  i8: (x: number) => x & 0xff,
} as const

/** Registers of all lanes: the elements at their places, the first in the lowest bits. */
function registers(places: (lane: number) => Place[], type: keyof typeof STORED, at: (place: Place) => number) {
  const bits = type === 'i8' ? 8 : 16
  const words: number[] = []
  for (const lane of LANES) {
    const elements = places(lane).map((place) => STORED[type](at(place)))
    for (let first = 0; first < elements.length; first += 32 / bits)
      words.push(elements.slice(first, first + 32 / bits).reduce((word, x, i) => word | (x << (bits * i)), 0))
  }
  return Uint32Array.from(words)
}

describe.skipIf(noEmulator)('fragments of tensor-core instructions', () => {
  it.each([
    ['f16', false],
    ['bf16', false],
    ['i8', false],
    ['f16', true],
    ['bf16', true],
    ['i8', true],
  ] as const)('%s, sparse: %s', async (type, sparse) => {
    const device = openDevice()
    const bytes = type === 'i8'
    const depth = (bytes ? 32 : 16) * (sparse ? 2 : 1)
    const a = wholeNumbers(16 * depth, 1)
    const b = wholeNumbers(depth * 8, 2)
    const c = wholeNumbers(16 * 8, 3)
    const metadata = new Uint32Array(32)
    /** Columns that a row stores: all, or two of every four, another pair in each group. */
    const stored = (row: number): number[] => {
      if (!sparse) return [...Array(depth).keys()]
      const pairs = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]] // biome-ignore format: a table
      return [...Array(depth / 4).keys()].flatMap((group) => pairs[(row * 5 + group) % 6].map((i) => group * 4 + i))
    }
    if (sparse)
      for (let row = 0; row < 16; row++)
        for (let group = 0; group < depth / 4; group++) {
          const { lane, bit } = metadataPlace(row, group * 4)
          const [first, second] = stored(row).slice(2 * group, 2 * group + 2)
          metadata[lane] |= ((first % 4) | ((second % 4) << 2)) << bit
        }
    const accumulator = bytes ? Int32Array : Float32Array
    const start = LANES.flatMap((lane) => accumulators(lane).map(([row, column]) => c[row * 8 + column]))
    const result = device.upload(accumulator.from(start))
    device.launch('check_fragments', {
      a: device.upload(registers(bytes ? a8 : a16, type, ([row, i]) => a[row * depth + stored(row)[i]])),
      b: device.upload(
        registers(
          (lane) => (bytes ? b8 : b16)(lane, sparse),
          type,
          ([row, column]) => b[row * 8 + column],
        ),
      ),
      metadata: device.upload(metadata),
      c: result,
      type: ['f16', 'bf16', 'i8'].indexOf(type),
      sparse: Number(sparse),
    })
    const got = new accumulator(await device.read(result))
    for (const lane of LANES)
      for (const [i, [row, column]] of accumulators(lane).entries()) {
        const sum = stored(row).reduce((sum, k) => sum + a[row * depth + k] * b[k * 8 + column], c[row * 8 + column])
        expect(got[lane * 4 + i], `row ${row}, column ${column}`).toBe(sum)
      }
  })

  it.each([false, true])('ldmatrix, transposed: %s', async (transposed) => {
    const device = openDevice()
    const matrices = Uint16Array.from({ length: 4 * 8 * 8 }, (_, i) => i)
    const out = device.allocate(32 * 4 * 4)
    device.launch('check_load_matrices', { matrices: device.upload(matrices), out, transposed: Number(transposed) })
    const got = new Uint16Array(await device.read(out))
    for (const lane of LANES)
      for (let matrix = 0; matrix < 4; matrix++)
        for (let i = 0; i < 2; i++) {
          const place = [lane >> 2, (lane % 4) * 2 + i]
          const [row, column] = transposed ? place.reverse() : place
          expect(got[(lane * 4 + matrix) * 2 + i]).toBe(matrix * 64 + row * 8 + column)
        }
  })
})
