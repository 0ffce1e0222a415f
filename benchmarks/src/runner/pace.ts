import type { SuitePlan } from './budgets.ts'
import type { Budget } from './measure.ts'

/** Shares the time that a whole run may take among what is left to measure. */
export interface Pace {
  /** The budget of each of a point's contenders. Called when the point's preparation is about to begin. */
  budgetFor(pointsLeft: number, contenders: number): Budget
}

/** Of the suite's own budget, at least: fewer samples say nothing. */
const LEAST = 0.05

/**
 * Makes `budget` smaller where a run would take more than `milliseconds` from now on, and greater, up to `most` times, where
 * it would take less. What points took beyond their samples (preparing, checking) is learnt on the way.
 */
export function createPace(budget: Budget, milliseconds: number, most: number, now = () => performance.now()): Pace {
  const end = now() + milliseconds
  let begun: { at: number; sampling: number } | undefined
  let overhead = 0
  return {
    budgetFor(pointsLeft, contenders) {
      if (begun) overhead = Math.max(0, now() - begun.at - begun.sampling)
      const each = budget.sampling + budget.warmup
      const affordable = (end - now()) / pointsLeft - overhead
      const share = Math.min(most, Math.max(LEAST, affordable / (each * Math.max(1, contenders))))
      begun = { at: now(), sampling: share * each * contenders }
      return { ...budget, sampling: budget.sampling * share, warmup: budget.warmup * share }
    },
  }
}

/** A suite's own limit only shortens; what the user allows is used up. */
export function paceOf({ budget, seconds }: SuitePlan, allowed: number | undefined): Pace {
  const limit = allowed ?? seconds
  if (limit === undefined) return { budgetFor: () => budget }
  return createPace(budget, limit * 1000, allowed === undefined ? 1 : Number.POSITIVE_INFINITY)
}
