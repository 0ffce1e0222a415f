import { nm, nmg } from '@nnz/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countKept, keptOf, type Pattern, patternName, selectMask } from '../src/index.ts'

const numbers = fc.float({ min: 0, max: 8, noNaN: true })
const matrices = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 40 })).chain(([rows, columns]) =>
  fc.record({
    rows: fc.constant(rows),
    columns: fc.constant(columns),
    scores: fc
      .array(fc.oneof(numbers, fc.constantFrom(0, -0, 1)), { minLength: rows * columns, maxLength: rows * columns })
      .map((values) => Float32Array.from(values)),
    sparsity: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
)

/** Row-major positions of ones. */
function ones(mask: Uint8Array): number[] {
  return [...mask.keys()].filter((i) => mask[i] === 1)
}

describe('selectMask', () => {
  it('keeps exactly the highest scores, of equal ones the first', () => {
    fc.assert(
      fc.property(matrices, ({ rows, columns, scores, sparsity }) => {
        const kept = keptOf(scores.length, sparsity)
        const mask = selectMask(scores, rows, columns, { pattern: { kind: 'unstructured' }, kept })
        const order = [...scores.keys()].sort((i, j) => scores[j] - scores[i] || i - j)
        expect(ones(mask)).toEqual(order.slice(0, kept).sort((i, j) => i - j))
      }),
    )
  })

  it('finds the threshold of many scores without sorting them, zeros of either sign and ties included', () => {
    for (const values of [[0, -0], [0.25, 0.5, 1e-40, 3e38, -0, 7], [2]]) {
      const scores = Float32Array.from({ length: 40_000 }, (_, i) => values[(i * 7919) % values.length])
      const sorted = [...scores.keys()].sort((i, j) => scores[j] - scores[i] || i - j)
      for (const kept of [0, 1, 9_999, 20_001, 39_999, 40_000]) {
        const mask = selectMask(scores, 200, 200, { pattern: { kind: 'unstructured' }, kept })
        const expected = new Uint8Array(scores.length)
        for (const i of sorted.slice(0, kept)) expected[i] = 1
        expect(mask).toEqual(expected)
      }
    }
  })

  it('by rows keeps the exact total and rows that differ by at most one', () => {
    fc.assert(
      fc.property(matrices, ({ rows, columns, scores, sparsity }) => {
        const kept = keptOf(scores.length, sparsity)
        const mask = selectMask(scores, rows, columns, { pattern: { kind: 'unstructured' }, kept, scope: 'row' })
        const counts = Array.from({ length: rows }, (_, row) =>
          countKept(mask.subarray(row * columns, (row + 1) * columns)),
        )
        expect(countKept(mask)).toBe(kept)
        expect(Math.max(0, ...counts) - Math.min(columns, ...counts)).toBeLessThanOrEqual(1)
        for (let row = 0; row < rows; row++) {
          const own = scores.subarray(row * columns, (row + 1) * columns)
          const highest = [...own.keys()].sort((i, j) => own[j] - own[i] || i - j).slice(0, counts[row])
          expect(highest.every((column) => mask[row * columns + column] === 1)).toBe(true)
        }
      }),
    )
  })

  it.each([
    [1, 2],
    [2, 4],
    [3, 4],
    [4, 8],
    [1, 32],
  ])('at %i:%i keeps what core keeps by magnitude', (n, m) => {
    fc.assert(
      fc.property(matrices, ({ rows, columns, scores }) => {
        const mask = selectMask(scores, rows, columns, { pattern: { kind: 'nm', n, m }, kept: 0 })
        const kept = scores.map((score, i) => (mask[i] ? score : 0))
        expect(nm.toDense(nm.fromDense(scores, [rows, columns], { n, m }))).toEqual(kept.map((value) => value + 0))
        // Zeros are entries, too.
        expect(countKept(mask)).toBe(nm.fromDense(scores, [rows, columns], { n, m }).nnz)
      }),
    )
  })

  it('of grouped rows keeps the same columns: those with the most energy', () => {
    const scores = Float32Array.of(5, 0, 4, 0, 0, 4.5, 4, 0)
    const pattern: Pattern = { kind: 'grouped-nm', n: 1, m: 4, group: 2 }
    expect(ones(selectMask(scores, 2, 4, { pattern, kept: 0 }))).toEqual([2, 6])
    fc.assert(
      fc.property(matrices, fc.integer({ min: 1, max: 4 }), ({ rows, columns, scores }, group) => {
        const mask = selectMask(scores, rows, columns, { pattern: { kind: 'grouped-nm', n: 2, m: 4, group }, kept: 0 })
        for (let row = 0; row < rows; row++) {
          const first = Math.floor(row / group) * group
          expect(mask.subarray(row * columns, (row + 1) * columns)).toEqual(
            mask.subarray(first * columns, (first + 1) * columns),
          )
        }
        // The layout takes it as it is.
        nmg.fromMasked(scores, mask, [rows, columns], { n: 2, m: 4, g: group })
      }),
    )
  })

  it.each(['layer', 'row'] as const)('keeps whole blocks with the highest norms, by %s', (scope) => {
    fc.assert(
      fc.property(
        matrices,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        ({ rows, columns, scores, sparsity }, height, width) => {
          const pattern: Pattern = width === 1 ? { kind: 'column-vector', height } : { kind: 'block', height, width }
          const mask = selectMask(scores, rows, columns, { pattern, kept: keptOf(scores.length, sparsity), scope })
          const blocks = new Map<string, { norm: number; kept: Set<number> }>()
          for (let i = 0; i < scores.length; i++) {
            const key = `${Math.floor(Math.floor(i / columns) / height)} ${Math.floor((i % columns) / width)}`
            const block = blocks.get(key) ?? { norm: 0, kept: new Set() }
            block.norm += scores[i] ** 2
            block.kept.add(mask[i])
            blocks.set(key, block)
          }
          const all = [...blocks.values()]
          expect(all.every(({ kept }) => kept.size === 1)).toBe(true)
          const kept = all.filter((block) => block.kept.has(1))
          const wanted = (keptOf(scores.length, sparsity) / Math.max(1, scores.length)) * all.length
          expect(Math.abs(kept.length - wanted)).toBeLessThanOrEqual(0.5 + 1e-9)
          if (scope === 'row') return
          const least = Math.min(...kept.map(({ norm }) => Math.fround(Math.sqrt(norm))))
          const removed = all.filter((block) => block.kept.has(0))
          for (const { norm } of removed) expect(Math.fround(Math.sqrt(norm))).toBeLessThanOrEqual(least)
        },
      ),
    )
  })

  it.each([
    [{ kind: 'nm', n: 0, m: 4 }, /n to be a whole number in 1..4, got 0/],
    [{ kind: 'nm', n: 5, m: 4 }, /n to be a whole number in 1..4, got 5/],
    [{ kind: 'nm', n: 1, m: 33 }, /m to be a whole number in 1..32, got 33/],
    [{ kind: 'grouped-nm', n: 2, m: 4 }, /group to be a whole number in 1..2147483648, got undefined/],
    [{ kind: 'block', height: 0, width: 4 }, /height .* got 0/],
    [{ kind: 'column-vector', height: 1.5 }, /height .* got 1.5/],
    [{ kind: 'blocks' }, /expected the kind of a pattern, .* got "blocks"/],
    [undefined, /expected a pattern such as/],
  ])('refuses the pattern %j', (pattern, message) => {
    const call = () => selectMask(new Float32Array(4), 2, 2, { pattern: pattern as Pattern, kept: 2 })
    expect(call).toThrow(message)
  })

  it('refuses scores, counts and scopes that are none', () => {
    const pattern: Pattern = { kind: 'unstructured' }
    const select = (scores: unknown, kept = 1, scope = 'layer') =>
      selectMask(scores as Float32Array, 1, 2, { pattern, kept, scope: scope as 'layer' })
    expect(() => select([1, 2])).toThrow(TypeError)
    expect(() => select(Float32Array.of(1))).toThrow('expected 2 scores for [1, 2], got 1')
    expect(() => select(Float32Array.of(1, Number.NaN))).toThrow(
      'row 0, column 1: expected a finite number from 0 on, got NaN',
    )
    expect(() => select(Float32Array.of(-1, 0))).toThrow('got -1')
    expect(() => select(Float32Array.of(1, 2), 3)).toThrow('0..2, got 3')
    expect(() => select(Float32Array.of(1, 2), 1, 'all')).toThrow('"layer" or "row", got "all"')
  })

  it('has a name for each pattern', () => {
    const patterns: Pattern[] = [
      { kind: 'unstructured' },
      { kind: 'nm', n: 2, m: 4 },
      { kind: 'grouped-nm', n: 2, m: 4, group: 8 },
      { kind: 'block', height: 4, width: 8 },
      { kind: 'column-vector', height: 8 },
    ]
    expect(patterns.map(patternName)).toEqual(['unstructured', '2:4', '2:4 g=8', 'block 4x8', 'column-vector 8'])
  })
})
