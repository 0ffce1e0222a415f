import type { Budget } from './measure.ts'

/** A suite of the CLI: which workloads, how long each contender is measured, and in how many fresh processes. */
export interface SuitePlan {
  readonly workloads: 'quick' | 'full'
  /** Only these workloads; all where undefined. */
  readonly matching?: readonly string[]
  readonly sparsities?: readonly number[]
  readonly budget: Budget
  /** The whole run must not take longer; undefined where it may. */
  readonly seconds?: number
  readonly processes: number
}

export const SUITES: Readonly<Record<string, SuitePlan>> = {
  /** Some seconds: shows that everything works, not how fast. */
  smoke: {
    workloads: 'quick',
    matching: ['bert-base/ffn-up/n16/uniform'],
    budget: { sampling: 30, warmup: 20, rounds: 2 },
    processes: 1,
  },
  /** Minutes: what says most. */
  quick: { workloads: 'quick', budget: { sampling: 600, warmup: 300, rounds: 4 }, seconds: 230, processes: 1 },
  /** Hours: everything, five fresh processes for each point. */
  full: { workloads: 'full', budget: { sampling: 400, warmup: 300, rounds: 2 }, processes: 5 },
}
