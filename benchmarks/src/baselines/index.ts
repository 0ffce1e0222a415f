import type { Baseline } from '../runner/contender.ts'

/** Every baseline, in the order of the tables. */
export const baselines: readonly Baseline[] = []
