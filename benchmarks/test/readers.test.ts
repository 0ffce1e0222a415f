import { bsr } from '@nnz/core'
import { FileFormatError } from '@nnz/formats'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ascii } from '../../packages/formats/test/support/fixtures.ts'
import { readCArrays, readOpusLayers } from '../src/readers/index.ts'
import { opus } from './opus-fixture.ts'

const seed = Number(process.env.NNZ_TEST_SEED ?? (process.env.CI ? 1 : Date.now() % 2 ** 31))

const failing = (read: () => unknown): { name: string; file: string; offset: number; message: string } => {
  try {
    read()
  } catch (error) {
    return error as ReturnType<typeof failing>
  }
  throw new Error('the reader accepted it')
}

describe('Opus layers', () => {
  test('reads constant arrays of every type', () => {
    const arrays = readCArrays(opus(), 'a.c')
    expect([...arrays.keys()]).toEqual(['a_weights_int8', 'a_weights_idx', 'a_scale', 'd_weights_float'])
    expect([...arrays.get('d_weights_float')!.values]).toEqual([1.5, Math.fround(-0.2)])
  })

  test('places the blocks as the codec multiplies them', () => {
    const [layer, ...others] = readOpusLayers(opus(), 'a.c')
    expect(others).toEqual([])
    expect(layer.name).toBe('a')
    expect(layer.weights).toMatchObject({ shape: [16, 8], blockShape: [8, 4], nnz: 96 })
    const dense = bsr.toDense(layer.weights)
    // Output 1, input 2 is weight 1 * 4 + 2 of block 0; output 9, input 4 is weight 4 of block 2.
    expect(dense[1 * 8 + 2]).toBe((6 - 48) * (2 / 8))
    expect(dense[9 * 8 + 4]).toBe((2 * 32 + 4 - 48) * (10 / 8))
    expect(dense[9 * 8 + 0]).toBe(0)
  })

  test.each([
    ['a column that is no multiple of 4', opus('2, 0, 2, 1, 4'), 'is not a rising multiple of 4'],
    [
      'a giant matrix',
      ascii(new TextDecoder().decode(opus()).replace(',8,16)', ',400000000,16)')),
      '16 outputs x 400000000 inputs are too many',
    ],
    ['a column too far', opus('2, 0, 8, 1, 4'), 'is not a rising multiple of 4'],
    ['a column twice', opus('2, 4, 4, 1, 4'), 'is not a rising multiple of 4'],
    ['a negative count', opus('-2, 0, 4, 1, 4'), 'cannot have -2 blocks'],
    ['too many blocks', opus('9, 0, 4, 1, 4'), 'cannot have 9 blocks'],
    ['too few blocks', opus('1, 0, 1, 4, 4'), 'the index has room for 3'],
    ['an index without blocks', opus('0'), 'for each of -1 blocks'],
    ['weights that are missing', opus(undefined, [1, 2, 3]), 'expected 32 weights for each of 3 blocks, got 3'],
    ['weights beyond int8', opus(undefined, [128]), 'is not an int8: 128'],
    ['an absurd count', ascii('static const float x[4000000000] = { 1, 2 };'), 'expected 4000000000 numbers of x'],
    ['more numbers than declared', ascii('static const int x[1] = { 1, 2 };'), 'to end after 1 numbers'],
    [
      'an array twice',
      ascii('static const int x[1] = { 1 };\nstatic const int x[1] = { 1 };'),
      'the array x stands twice',
    ],
  ])('refuses %s', (_, bytes, message) => {
    const error = failing(() => readOpusLayers(bytes, 'bad.c'))
    expect(error).toMatchObject({ name: 'FileFormatError', file: 'bad.c' })
    expect(error.message).toContain(message)
  })

  /** Damaged sources read as sound layers, or are refused. */
  function readOrRefuse(bytes: Uint8Array): void {
    try {
      for (const { weights } of readOpusLayers(bytes, 'fuzz')) bsr.validate(weights)
    } catch (error) {
      if (!(error instanceof FileFormatError)) throw error
      expect(error.message).toContain('fuzz: at byte ')
    }
  }

  test(`survives cut, changed, inserted and removed bytes (NNZ_TEST_SEED=${seed})`, () => {
    const bytes = opus()
    for (let length = 0; length < bytes.length; length++) readOrRefuse(bytes.slice(0, length))
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const damaged = bytes.slice()
        for (const [at, value] of changes) damaged[at] = value
        readOrRefuse(damaged)
      }),
      { seed, numRuns: 1000 },
    )
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(16), fc.uint8Array({ maxLength: 16 }), (at, removed, inserted) =>
        readOrRefuse(Uint8Array.from([...bytes.slice(0, at), ...inserted, ...bytes.slice(at + removed)])),
      ),
      { seed, numRuns: 500 },
    )
  })
})
