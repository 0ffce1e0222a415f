import { describe, expect, it } from 'vitest'
import { createPace } from '../src/runner/pace.ts'

const BUDGET = { sampling: 600, warmup: 300, rounds: 4 }

/** Milliseconds that a run of so many points takes whose preparation takes `overhead` each. */
function simulate(points: number, contenders: number, overhead: number, limit: number, most: number): number {
  let clock = 0
  const pace = createPace(BUDGET, limit, most, () => clock)
  for (let left = points; left > 0; left--) {
    const { sampling, warmup } = pace.budgetFor(left, contenders)
    clock += overhead + contenders * (sampling + warmup)
  }
  return clock
}

describe('the pace', () => {
  it('keeps a run that would take too long inside its limit, whatever preparing takes', () => {
    expect(simulate(12, 40, 2000, 200_000, 1)).toBeLessThan(205_000)
    expect(simulate(12, 40, 2000, 200_000, 1)).toBeGreaterThan(180_000)
  })

  it('leaves a short run as it is, unless it may grow', () => {
    expect(simulate(2, 3, 0, 200_000, 1)).toBe(2 * 3 * 900)
    expect(simulate(2, 3, 0, 200_000, Number.POSITIVE_INFINITY)).toBeCloseTo(200_000)
  })

  it('measures something even where no time is left', () => {
    expect(simulate(3, 1, 5000, 1, 1)).toBeGreaterThan(3 * 5000)
  })
})
