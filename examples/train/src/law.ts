import { levenbergMarquardt } from 'ml-levenberg-marquardt'

/** loss = floor + a / parameters^alpha + b / tokens^beta. */
export interface Law {
  readonly floor: number
  readonly a: number
  readonly alpha: number
  readonly b: number
  readonly beta: number
}

/** One training: parameters are the average over its steps, pruned ones left out. */
export interface Outcome {
  readonly averageParameters: number
  readonly tokens: number
  readonly loss: number
}

/** The loss that a law expects. */
export function expectedLoss({ floor, a, alpha, b, beta }: Law, averageParameters: number, tokens: number): number {
  return floor + a / averageParameters ** alpha + b / tokens ** beta
}

/**
 * Fits the scaling law of Chinchilla with the average number of parameters in place of the final one ("The journey
 * matters", arXiv 2501.12486).
 *
 * @throws RangeError if there are fewer outcomes than coefficients, or one is not above zero
 */
export function fitLaw(outcomes: readonly Outcome[]): Law {
  if (outcomes.length < 5) throw new RangeError(`law: expected at least 5 outcomes, got ${outcomes.length}`)
  for (const { averageParameters, tokens, loss } of outcomes)
    if (!(averageParameters > 0 && tokens > 0 && loss > 0)) throw new RangeError('law: expected numbers above 0')
  const least = Math.min(...outcomes.map(({ loss }) => loss))
  // Coefficients as logarithms of what they contribute at the middle of the data: all of one size, and positive.
  const middle = (of: (outcome: Outcome) => number) =>
    Math.exp(outcomes.reduce((sum, outcome) => sum + Math.log(of(outcome)), 0) / outcomes.length)
  const [size, length] = [middle((o) => o.averageParameters), middle((o) => o.tokens)]
  const lawOf = ([floor, a, alpha, b, beta]: number[]): Law => ({
    floor: Math.exp(floor),
    a: Math.exp(a) * size ** alpha,
    alpha,
    b: Math.exp(b) * length ** beta,
    beta,
  })
  const { parameterValues } = levenbergMarquardt(
    { x: outcomes.map((_, i) => i), y: outcomes.map(({ loss }) => loss) },
    (parameters) => {
      const law = lawOf(parameters)
      return (i) => expectedLoss(law, outcomes[i].averageParameters, outcomes[i].tokens)
    },
    {
      initialValues: [Math.log(least / 2), Math.log(least / 4), 0.3, Math.log(least / 4), 0.3],
      damping: 1e-2,
      gradientDifference: 1e-6,
      centralDifference: true,
      maxIterations: 2000,
      errorTolerance: 1e-18,
    },
  )
  return lawOf(parameterValues)
}
