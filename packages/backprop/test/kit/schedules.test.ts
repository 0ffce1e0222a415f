import { describe, expect, it } from 'vitest'
import { RunningAverage } from '../../src/accountants/index.ts'
import {
  cosineFraction,
  cubic,
  linearRamp,
  progressive,
  pruneRetrainCycles,
  type Schedule,
  stepwise,
  warmupCosine,
  windowed,
} from '../../src/schedules/index.ts'

function expectRising(schedule: Schedule, steps: number): void {
  for (let step = 1; step <= steps; step++) expect(schedule(step)).toBeGreaterThanOrEqual(schedule(step - 1))
}

describe('row 171: gradual pruning', () => {
  const schedule = cubic({ from: 0.2, to: 0.9, begin: 10, end: 110, every: 10 })
  it('begins and ends where it should, rises, and is constant between changes', () => {
    expect(schedule(0)).toBe(0.2)
    expect(schedule(19)).toBe(0.2)
    expect(schedule(110)).toBe(0.9)
    expect(schedule(1e6)).toBe(0.9)
    expectRising(schedule, 120)
  })
  it('is the published cubic', () => {
    expect(schedule(65)).toBeCloseTo(0.9 + (0.2 - 0.9) * (1 - 50 / 100) ** 3, 12)
  })
})

describe('row 5: a window of training', () => {
  const steps = 400
  const schedule = windowed({ to: 0.8, steps })
  it('is dense before a quarter, at the target after three, and monotone between', () => {
    for (let step = 0; step <= 100; step++) expect(schedule(step)).toBe(0)
    for (let step = 300; step < steps; step++) expect(schedule(step)).toBe(0.8)
    expectRising(schedule, steps)
  })
  it('averages to the integral of the kept parameters', () => {
    const average = new RunningAverage()
    let sum = 0
    for (let step = 0; step < steps; step++) {
      const kept = 1000 * (1 - schedule(step))
      average.add(kept)
      sum += kept
    }
    expect(average.value).toBeCloseTo(sum / steps, 9)
    // The integral of the cubic over its window is a quarter of the way: 1 - 0.8 · 3/4 between, 1 before, 0.2 after.
    expect(average.value / 1000).toBeCloseTo(0.25 + 0.5 * (1 - 0.8 * 0.75) + 0.25 * 0.2, 2)
  })
})

it('row 74: a sparsity that decreases', () => {
  const schedule = linearRamp({ from: 0.9, to: 0.3, begin: 0, end: 60 })
  for (let step = 1; step <= 60; step++) expect(schedule(step)).toBeLessThanOrEqual(schedule(step - 1))
  expect([schedule(0), schedule(30), schedule(60)]).toEqual([0.9, expect.closeTo(0.6, 12), 0.3])
})

it('row 92: the sparsity after each megabatch is the schedule’s', () => {
  const schedule = progressive([0, 100, 200, 300], 0.9)
  for (const [i, step] of [0, 100, 200, 300].entries())
    expect(schedule(step + 50)).toBeCloseTo(1 - 0.1 ** ((i + 1) / 4), 12)
})

it('cycles of pruning and retraining', () => {
  const schedule = pruneRetrainCycles({ cycles: 3, stepsPerCycle: 10, fraction: 0.2, warmup: 5 })
  expect([0, 4, 5, 14, 15, 25, 99].map(schedule).map((s) => +(1 - s).toFixed(6))).toEqual([
    1, 1, 0.8, 0.8, 0.64, 0.512, 0.512,
  ])
})

it('RigL’s fraction and the learning rate', () => {
  const fraction = cosineFraction(0.3, 100)
  expect([fraction(0), fraction(50), fraction(100)]).toEqual([0.3, expect.closeTo(0.15, 12), 0])
  const rate = warmupCosine({ peak: 1, steps: 110, warmup: 10, final: 0.1 })
  expect([rate(0), rate(9), rate(60), rate(110)]).toEqual([0.1, 1, expect.closeTo(0.55, 12), expect.closeTo(0.1, 12)])
})

it('refuse steps that are not numbers', () => {
  const schedules = [
    cubic({ to: 0.9, begin: 0, end: 10 }),
    stepwise([[0, 0.5]]),
    cosineFraction(0.3, 100),
    warmupCosine({ peak: 1, steps: 10 }),
  ]
  for (const schedule of schedules) {
    expect(() => schedule(Number.NaN)).toThrow(/expected a step, got NaN/)
    expect(() => schedule('3' as never)).toThrow(/expected a step, got "3"/)
  }
  expect(() => cosineFraction(0.3, Number.NaN)).toThrow(RangeError)
  expect(() => warmupCosine({ peak: Number.NaN, steps: 10 })).toThrow(/finite peak/)
  expect(() => stepwise([[Number.NaN, 0.5]])).toThrow(/rising/)
  expect(() => pruneRetrainCycles({ cycles: Number.NaN, stepsPerCycle: 1, fraction: 0.5 })).toThrow(/cycles/)
})

it('refuse what is out of range', () => {
  expect(() => cubic({ to: 1.1, begin: 0, end: 1 })).toThrow(/to in 0\.\.1/)
  expect(() => cubic({ to: 1, begin: 2, end: 1 })).toThrow(/begin <= end/)
  expect(() => cubic({ to: 1, begin: 0, end: 1, every: 0 })).toThrow(/every/)
  expect(() =>
    stepwise([
      [3, 0.1],
      [3, 0.2],
    ]),
  ).toThrow(/rising/)
})
