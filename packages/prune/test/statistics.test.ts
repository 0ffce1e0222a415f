import { tensor, transposed } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { StatisticsCollector } from '../src/index.ts'
import { moments, randomInputs } from './support/layers.ts'

/** The largest difference as a share of the largest value. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length)
  let largest = 0
  let size = 1e-300
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(actual[i] - expected[i]))
    size = Math.max(size, Math.abs(expected[i]))
  }
  return largest / size
}

describe('StatisticsCollector', () => {
  // More tokens than a block, more columns than a strip, and neither a multiple of them.
  it.each([
    [0, 5],
    [1, 1],
    [70, 33],
    [1024, 3],
    [1100, 40],
    [300, 400],
  ])('%i tokens of %i inputs', (tokens, columns) => {
    const x = randomInputs(tokens, columns, 7)
    const collector = new StatisticsCollector(columns)
    for (let from = 0; from < tokens; from += 101) {
      const count = Math.min(101, tokens - from)
      collector.add(tensor(x.subarray(from * columns, (from + count) * columns), [count, columns]))
    }
    const actual = collector.statistics()
    const expected = moments(x, columns)
    expect(actual.tokens).toBe(tokens)
    expect(difference(actual.squaredNorms, expected.squaredNorms)).toBeLessThan(1e-7)
    if (tokens > 0) expect(difference(actual.means, expected.means)).toBeLessThan(1e-12)
    expect(difference(actual.gram!, expected.gram)).toBeLessThan(1e-6)
    for (let i = 0; i < columns; i++)
      for (let j = 0; j < i; j++) expect(actual.gram![i * columns + j]).toBe(actual.gram![j * columns + i])
  })

  it('goes on after it was asked, and takes any strides', () => {
    const x = randomInputs(20, 6, 3)
    const columnMajor = Float32Array.from(x, (_, i) => x[(i % 20) * 6 + Math.floor(i / 20)])
    const whole = new StatisticsCollector(6)
    whole.add(tensor(x, [20, 6]))
    whole.add(tensor(x, [20, 6]))
    const parts = new StatisticsCollector(6)
    parts.add(tensor(x, [20, 6]))
    parts.statistics()
    parts.add(transposed(tensor(columnMajor, [6, 20])))
    expect(difference(parts.statistics().gram!, whole.statistics().gram!)).toBeLessThan(1e-6)
    expect(parts.statistics().means).toEqual(whole.statistics().means)
  })

  it('leaves the Gram matrix out if it is not wanted', () => {
    const collector = new StatisticsCollector(2, { gram: false })
    collector.add(tensor([1, 2, 3, 4], [2, 2]))
    expect(collector.statistics()).toEqual({
      tokens: 2,
      squaredNorms: Float64Array.of(10, 20),
      means: Float64Array.of(2, 3),
      gram: undefined,
    })
  })

  it('refuses what does not fit before it adds anything', () => {
    const collector = new StatisticsCollector(2)
    expect(() => new StatisticsCollector(-1)).toThrow(RangeError)
    expect(() => collector.add(tensor([1, 2, 3], [1, 3]))).toThrow('x has 3 columns, expected 2')
    expect(() => collector.add(tensor([1, 2, Number.NaN, 1], [2, 2]))).toThrow('token 1, input 0')
    expect(() => collector.add([1, 2] as never)).toThrow(TypeError)
    expect(collector.statistics().tokens).toBe(0)
    expect(collector.statistics().gram).toEqual(new Float32Array(4))
  })
})
