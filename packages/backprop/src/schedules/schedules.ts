import { describe, rangeError } from '@nnz/core'
import { expectOptions } from '../checks.ts'
import { expectArguments, listOf } from '../kit/arguments.ts'

/** Something that changes over training, as a function of the step (counted from 0). */
export type Schedule = (step: number) => number

function expectShares(values: Record<string, number>, name: string): void {
  for (const [key, value] of Object.entries(values)) {
    if (!(value >= 0 && value <= 1))
      throw rangeError('NNZ_VALUE', `${name}: expected ${key} in 0..1, got ${describe(value)}`)
  }
}

function expectSpan(begin: number, end: number, name: string): void {
  if (!(begin >= 0 && end >= begin && end < Number.POSITIVE_INFINITY))
    throw rangeError('NNZ_VALUE', `${name}: expected steps 0 <= begin <= end, got ${describe(begin)}, ${describe(end)}`)
}

/** A schedule that refuses what is no step. */
function scheduled(name: string, schedule: Schedule): Schedule {
  return (step) => {
    if (typeof step !== 'number' || Number.isNaN(step))
      throw rangeError('NNZ_VALUE', `${name}: expected a step, got ${describe(step)}`)
    return schedule(step)
  }
}

/** Part of the way from `begin` to `end` that lies behind, 0..1. */
function progress(step: number, begin: number, end: number): number {
  return step >= end ? 1 : step <= begin ? 0 : (step - begin) / (end - begin)
}

/** A sparsity that goes from one value to another between two steps. */
export interface Ramp {
  /** Sparsity up to `begin`. Default: 0. */
  from?: number
  /** Sparsity from `end` on. */
  to: number
  begin: number
  end: number
  /** Steps between changes: the sparsity is constant in between. Default: 1. */
  every?: number
}

function ramp(options: Ramp, name: string, shape: (t: number) => number): Schedule {
  expectOptions(options, name)
  const { from = 0, to, begin, end, every = 1 } = options
  expectShares({ from, to }, name)
  expectSpan(begin, end, name)
  if (!(Number.isInteger(every) && every > 0))
    throw rangeError('NNZ_VALUE', `${name}: expected every to be a whole number from 1 on, got ${describe(every)}`)
  return scheduled(name, (step) => {
    const held = step >= end ? end : begin + Math.floor(Math.max(0, step - begin) / every) * every
    const t = progress(held, begin, end)
    // The ends exactly, without rounding.
    return t === 0 ? from : t === 1 ? to : from + (to - from) * shape(t)
  })
}

/**
 * Gradual pruning: to + (from - to) (1 - t)³, fast at first and slow at the end (Zhu and Gupta, "To prune, or not to
 * prune", arXiv 1710.01878).
 */
export function cubic(options: Ramp): Schedule {
  return ramp(options, 'cubic', (t) => 1 - (1 - t) ** 3)
}

/** At a constant rate. With `to` below `from` it regrows: the decaying sparsity of SNIPER training (arXiv 2205.14851). */
export function linearRamp(options: Ramp): Schedule {
  return ramp(options, 'linearRamp', (t) => t)
}

/** Options of {@link windowed}. */
export interface Window {
  to: number
  /** Steps of the whole training. */
  steps: number
  /** Shares of training between which pruning happens. Default: 0.25 and 0.75. */
  start?: number
  stop?: number
  every?: number
  /** Default: `cubic`. */
  shape?: 'cubic' | 'linear'
}

/** Pruning between two shares of training, by default those that "The journey matters" (arXiv 2501.12486) finds best. */
export function windowed(options: Window): Schedule {
  expectOptions(options, 'windowed')
  const { to, steps, start = 0.25, stop = 0.75, every = 1, shape = 'cubic' } = options
  expectShares({ start, stop }, 'windowed')
  const span = { to, begin: Math.round(start * steps), end: Math.round(stop * steps), every }
  return shape === 'cubic' ? cubic(span) : linearRamp(span)
}

/** A sparsity that changes at given steps: `[step, sparsity]`, with rising steps. Before the first it is 0. */
export function stepwise(changes: readonly (readonly [step: number, sparsity: number])[]): Schedule {
  listOf('numbers', changes, 'changes', 'stepwise').forEach(([step, sparsity], i) => {
    expectShares({ sparsity }, 'stepwise')
    if (!(step > (i > 0 ? changes[i - 1][0] : Number.NEGATIVE_INFINITY)))
      throw rangeError('NNZ_VALUE', 'stepwise: expected rising steps')
  })
  return scheduled('stepwise', (step) => changes.findLast(([from]) => step >= from)?.[1] ?? 0)
}

/** Options of {@link pruneRetrainCycles}. */
export interface Cycles {
  cycles: number
  /** Steps of retraining after each pruning. */
  stepsPerCycle: number
  /** Share of the remaining entries that each cycle prunes, as iterative magnitude pruning does. */
  fraction: number
  /** Dense steps before the first pruning. Default: 0. */
  warmup?: number
}

/** Prune, retrain, prune again: after the i-th pruning the density is (1 - fraction)^i. */
export function pruneRetrainCycles(options: Cycles): Schedule {
  expectOptions(options, 'pruneRetrainCycles')
  const { cycles, stepsPerCycle, fraction, warmup = 0 } = options
  if (!(Number.isInteger(cycles) && cycles >= 0))
    throw rangeError('NNZ_VALUE', `pruneRetrainCycles: expected a whole number of cycles, got ${describe(cycles)}`)
  expectShares({ fraction }, 'pruneRetrainCycles')
  return stepwise(
    Array.from({ length: cycles }, (_, i) => [warmup + i * stepsPerCycle, 1 - (1 - fraction) ** (i + 1)] as const),
  )
}

/**
 * Progressive pruning of data that arrives in megabatches (APP, arXiv 2204.01640): a constant factor of density at
 * each, so that the target is reached with the last.
 *
 * @param starts step at which each megabatch arrives, rising
 * @param to sparsity while the last one is trained
 */
export function progressive(starts: readonly number[], to: number): Schedule {
  expectArguments('progressive', { numbers: { starts } })
  return stepwise(starts.map((step, i) => [step, 1 - (1 - to) ** ((i + 1) / starts.length)] as const))
}

/** Share of entries that drop-and-grow exchanges: `initial / 2 · (1 + cos(π step / end))`, 0 from `end` on (RigL). */
export function cosineFraction(initial: number, end: number): Schedule {
  expectShares({ initial }, 'cosineFraction')
  expectSpan(0, end, 'cosineFraction')
  return scheduled('cosineFraction', (step) =>
    step >= end ? 0 : (initial / 2) * (1 + Math.cos((Math.PI * step) / end)),
  )
}

/** Options of {@link warmupCosine}. */
export interface WarmupCosine {
  peak: number
  steps: number
  /** Steps in which the rate rises linearly. Default: 0. */
  warmup?: number
  /** Rate at the end, as a share of the peak. Default: 0. */
  final?: number
}

/** A learning rate that rises linearly, then falls along a cosine. */
export function warmupCosine(options: WarmupCosine): Schedule {
  expectOptions(options, 'warmupCosine')
  const { peak, steps, warmup = 0, final = 0 } = options
  if (!(Number.isFinite(peak) && Number.isFinite(final)))
    throw rangeError(
      'NNZ_VALUE',
      `warmupCosine: expected a finite peak and final, got ${describe(peak)}, ${describe(final)}`,
    )
  expectSpan(warmup, steps, 'warmupCosine')
  return scheduled('warmupCosine', (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup
    const t = progress(step, warmup, steps)
    return peak * (final + ((1 - final) * (1 + Math.cos(Math.PI * t))) / 2)
  })
}
