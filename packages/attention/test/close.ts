import { expect } from 'vitest'

/** Checks that numbers are within 5e-6 of what they should be: one check for all, as each costs more than the numbers. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what = ''): void {
  expect(actual.length, what).toBe(expected.length)
  let largest = 0
  let worst = 0
  for (let i = 0; i < expected.length; i++) {
    const difference = actual[i] === expected[i] ? 0 : Math.abs(actual[i] - expected[i])
    const error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
    if (error > largest) [largest, worst] = [error, i]
  }
  expect(largest, `${what} [${worst}]: ${actual[worst]} instead of ${expected[worst]}`).toBeLessThan(5e-6)
}
