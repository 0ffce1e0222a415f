import { describe, expect, test } from 'vitest'
import { clockResolution, iterationsFor, sampleRuns } from '../src/runner/sample.ts'

describe('runs within one sample', () => {
  test('are as many as a clock of coarse steps needs', () => {
    expect(clockResolution()).toBeGreaterThan(0)
    expect(iterationsFor(1000, 0.1)).toBe(1)
    expect(iterationsFor(5, 0.1)).toBe(1)
    expect(iterationsFor(1, 0.1)).toBe(5)
    expect(iterationsFor(0, 0.1)).toBeLessThan(10_000)
  })

  test.each([
    ['a function', () => undefined],
    ['a function that returns a promise', () => Promise.resolve()],
  ])('are counted once: %s', async (_, result) => {
    let runs = 0
    const samples = await sampleRuns(
      () => {
        runs++
        return result()
      },
      5,
      7,
    )
    expect(samples.every((ns) => ns >= 0)).toBe(true)
    // tinybench may call once more, to see whether it is to wait.
    expect([0, 7]).toContain(runs - 7 * samples.length)
  })
})
