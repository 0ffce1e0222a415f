import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BlockMask, blockMask, FULL } from '../src/index.ts'

/** Masks whose pairs come from a seeded hash: some blocks full, some empty, some partial. */
const masks = fc.record({
  heads: fc.integer({ min: 1, max: 3 }),
  rows: fc.integer({ min: 0, max: 40 }),
  columns: fc.integer({ min: 0, max: 70 }),
  blockShape: fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 40 })),
  seed: fc.nat(1000),
})

type Size = { heads: number; rows: number; columns: number; blockShape: [number, number]; seed: number }

function hash(...values: number[]): number {
  let x = 2166136261
  for (const value of values) x = Math.imul(x ^ value, 16777619)
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32
}

function keep({ blockShape, seed }: Size) {
  return (head: number, query: number, key: number): boolean => {
    const block = hash(seed, head, Math.floor(query / blockShape[0]), Math.floor(key / blockShape[1]))
    return block < 0.3 || (block < 0.6 && hash(seed, head, query, key, 7) < 0.5)
  }
}

function bytes(size: Size, kept: (head: number, query: number, key: number) => boolean): Uint8Array {
  const { heads, rows, columns } = size
  return Uint8Array.from({ length: heads * rows * columns }, (_, i) =>
    Number(kept(Math.floor(i / columns / rows), Math.floor(i / columns) % rows, i % columns)),
  )
}

describe('blockMask', () => {
  it('comes back from a predicate and from a dense mask as the pairs that went in', () => {
    fc.assert(
      fc.property(masks, (size) => {
        const dense = bytes(size, keep(size))
        const mask = blockMask.fromPredicate(keep(size), size)
        expect(blockMask.toDense(mask)).toEqual(dense)
        expect(blockMask.fromDense(dense, size)).toEqual(mask)
        const pairs = dense.reduce((sum, bit) => sum + bit, 0)
        expect(blockMask.keptPairs(mask)).toBe(pairs)
        expect(blockMask.density(mask)).toBeCloseTo(pairs / Math.max(1, dense.length), 12)
      }),
    )
  })

  it('joins, cuts and transposes as dense masks do', () => {
    fc.assert(
      fc.property(masks, fc.nat(1000), fc.boolean(), (size, seed, shared) => {
        const other = { ...size, seed, heads: shared ? 1 : size.heads }
        const [a, b] = [blockMask.fromPredicate(keep(size), size), blockMask.fromPredicate(keep(other), other)]
        const [x, y] = [keep(size), keep(other)]
        const headOf = (head: number) => (shared ? 0 : head)
        expect(blockMask.toDense(blockMask.and(a, b))).toEqual(
          bytes(size, (h, q, k) => x(h, q, k) && y(headOf(h), q, k)),
        )
        expect(blockMask.toDense(blockMask.or(b, a))).toEqual(
          bytes(size, (h, q, k) => x(h, q, k) || y(headOf(h), q, k)),
        )
        const flipped = blockMask.transpose(a)
        const turned = { ...size, rows: size.columns, columns: size.rows }
        expect(blockMask.toDense(flipped)).toEqual(bytes(turned, (h, q, k) => x(h, k, q)))
        expect(blockMask.transpose(flipped)).toEqual(a)
      }),
    )
  })

  it('tells full blocks from partial ones, at ragged edges too', () => {
    const mask = blockMask.fromPredicate((_, query, key) => key <= query, { blockShape: [4, 4], rows: 10, columns: 10 })
    expect([...mask.rowOffsets]).toEqual([0, 1, 3, 6])
    expect([...mask.columnIndices]).toEqual([0, 0, 1, 0, 1, 2])
    expect([...mask.partialIndices].map((index) => index === FULL)).toEqual([false, true, false, true, true, false])
    const whole = blockMask.fromPredicate(() => true, { blockShape: [4, 4], rows: 10, columns: 10 })
    expect(whole.elements).toHaveLength(0)
  })

  it('draws itself', () => {
    const mask = blockMask.fromPredicate((_, query, key) => key <= query, { blockShape: [4, 4], rows: 8, columns: 8 })
    const picture = blockMask.svg(mask)
    expect(picture).toContain('viewBox="0 0 8 8"')
    expect(picture).toContain('M0 4h4v4h-4z')
    expect(() => blockMask.svg(mask, { head: 1 })).toThrow('expected a head in 0..0, got 1')
  })

  const parts = { blockShape: [2, 2], rows: 4, columns: 4, rowOffsets: [0, 1, 3], columnIndices: [0, 0, 1] }

  it.each([
    ['blockShape', { blockShape: [0, 2] }, RangeError, 'blockMask: expected a blockShape [queries, keys]'],
    ['blockShape of another kind', { blockShape: 16 }, TypeError, 'expected blockShape to be [queries, keys], got 16'],
    ['rows', { rows: -1 }, RangeError, 'blockMask: rows: expected a whole number'],
    ['heads', { heads: 0 }, RangeError, 'blockMask: heads: expected a whole number in 1..2^31, got 0'],
    ['offsets that fall', { rowOffsets: [0, 4, 3] }, RangeError, 'blockMask: rowOffsets[1]: expected a number in 0..3'],
    ['too few offsets', { rowOffsets: [0, 3] }, RangeError, 'blockMask: rowOffsets: expected 3 entries, got 2'],
    ['last offset', { rowOffsets: [0, 1, 2] }, RangeError, 'blockMask: rowOffsets[2]: expected 3, got 2'],
    [
      'indices that fall',
      { columnIndices: [0, 1, 0] },
      RangeError,
      'columnIndices[2]: expected rising indices below 2',
    ],
    ['indices beyond', { columnIndices: [0, 0, 2] }, RangeError, 'columnIndices[2]: expected rising indices below 2'],
    [
      'element masks',
      { partialIndices: [FULL, 0, FULL] },
      RangeError,
      'partialIndices[1]: expected FULL or an index below 0',
    ],
    ['elements', { elements: [1] }, RangeError, 'elements: expected a multiple of 2 words'],
  ])('refuses wrong %s', (_, change, kind, message) => {
    const act = () => blockMask({ ...parts, ...change } as Parameters<typeof blockMask>[0])
    expect(act).toThrow(kind as ErrorConstructor)
    expect(act).toThrow(message as string)
  })

  it('refuses masks of different sizes, and what is no mask', () => {
    const a = blockMask(parts)
    const b = blockMask({ ...parts, columns: 3 })
    expect(() => blockMask.and(a, b)).toThrow(
      'blockMask.and: expected masks of one size, got 4x4 in blocks of 2x2 and 4x3',
    )
    expect(() => blockMask.or(a, {} as BlockMask)).toThrow(TypeError)
  })
})
