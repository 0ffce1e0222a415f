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
    // Once more, to see whether it is to be waited for.
    expect(runs).toBe(7 * samples.length + 1)
  })
})

test('times one run in each sample of a runtime that works off one run after the other', async () => {
  const milliseconds = 40
  let queue = Promise.resolve()
  let running = 0
  let most = 0
  const run = () => {
    running++
    most = Math.max(most, running)
    queue = queue.then(() => new Promise((resolve) => setTimeout(resolve, milliseconds))).then(() => void running--)
    return queue
  }
  const samples = await sampleRuns(run, 2.5 * milliseconds)
  expect(samples.length).toBeGreaterThan(0)
  // A run that nobody waits for would still be at work when the first one that is timed begins.
  expect(most).toBe(1)
})
