import { expect, it } from 'vitest'
import { expectedLoss, fitLaw } from '../src/law.ts'

it('row 5: the fit recovers planted coefficients', () => {
  const planted = { floor: 1.7, a: 400, alpha: 0.34, b: 410, beta: 0.28 }
  const outcomes = [1e7, 3e7, 1e8, 3e8, 1e9].flatMap((averageParameters) =>
    [1e8, 1e9, 1e10, 1e11].map((tokens) => ({
      averageParameters,
      tokens,
      loss: expectedLoss(planted, averageParameters, tokens),
    })),
  )
  const law = fitLaw(outcomes)
  for (const key of ['floor', 'alpha', 'beta'] as const) expect(law[key], key).toBeCloseTo(planted[key], 2)
  for (const key of ['a', 'b'] as const) expect(Math.abs(law[key] / planted[key] - 1), key).toBeLessThan(0.05)
  for (const { averageParameters, tokens, loss } of outcomes)
    expect(expectedLoss(law, averageParameters, tokens)).toBeCloseTo(loss, 4)
  expect(() => fitLaw(outcomes.slice(0, 4))).toThrow(/at least 5/)
})
