import { median } from 'simple-statistics'
import { redact } from '../records/publishable.ts'
import type { BenchRecord, Peak } from '../records/schema.ts'
import { limitOf } from '../statistics/index.ts'
import type { ContenderSpec, Prepared } from './contender.ts'
import { describeTask } from './record.ts'
import { iterationsFor, sampleRuns } from './sample.ts'
import { shuffled } from './shuffle.ts'
import { type Expectation, errorOf, type Inputs, type Task } from './task.ts'

/** How long each contender is measured. */
export interface Budget {
  /** Milliseconds of samples for each contender. */
  readonly sampling: number
  /** Milliseconds before the first sample: V8's optimising tier must have the code. */
  readonly warmup: number
  /** Contenders take turns so often. */
  readonly rounds: number
}

/** The peak that limits a contender whose operands are so many bytes. */
export type PeakOf = (spec: ContenderSpec, bytes: number) => Peak | undefined

interface Entry {
  readonly spec: ContenderSpec
  readonly prepared: Prepared
  readonly error: NonNullable<BenchRecord['error']>
  readonly samples: number[]
  warmup: number
  /** Runs within one sample. */
  iterations: number
  order: number
  /** What went wrong after the first check; it is left alone from then on. */
  refusal?: Refused
}

/** Operands, and what must come out. */
interface Checked {
  readonly inputs: Inputs
  readonly expected: Expectation
}

/** Seeds of the operands of the two checks: what is timed must have been computed from either. */
const SEEDS = [7919, 1]

/**
 * Measures contenders on one task: each is prepared and checked, then all take turns in a shuffled order. Calls `record`
 * once for each contender, with what came of it.
 */
export async function measureTask(
  task: Task,
  specs: readonly ContenderSpec[],
  options: {
    budget: Budget
    peakOf: PeakOf
    seed: number
    onStep?: (label: string) => void
    /** Once true, what was begun is dropped: nothing more is recorded. */
    isStopped?: () => boolean
  },
  record: (record: BenchRecord) => Promise<void>,
): Promise<void> {
  const { budget, seed, onStep, isStopped = () => false } = options
  const expectations = SEEDS.map((drawn): Checked => {
    const inputs = task.inputs(drawn)
    return { inputs, expected: task.expectationOf(inputs) }
  })
  const entries: Entry[] = []
  for (const spec of specs) {
    if (await stopped()) break
    onStep?.(spec.contender.name)
    const outcome = await prepareChecked(task, spec, expectations)
    if ('prepared' in outcome) entries.push({ spec, ...outcome, samples: [], warmup: 0, iterations: 1, order: 0 })
    else await record({ ...describeTask(task, spec.contender), ...outcome })
  }
  for (const entry of entries) {
    if (await stopped()) break
    await attempt(entry, async () => {
      Object.assign(entry, await warmUp(entry.prepared, budget.warmup))
    })
  }
  const random = shuffled(seed)
  for (let round = 0; round < budget.rounds; round++) {
    // Another input in each round: what is timed must have been computed from it.
    const checked = expectations[round % expectations.length]
    for (const [place, entry] of random(entries).entries()) {
      if (await stopped()) break
      onStep?.(entry.spec.contender.name)
      if (round === 0) entry.order = place
      await attempt(entry, () => sampleChecked(entry, checked, budget.sampling / budget.rounds))
    }
  }
  for (const entry of entries) {
    const outcome = outcomeOf(task, entry, options.peakOf)
    if (!isStopped()) await record({ ...describeTask(task, entry.spec.contender), ...outcome })
    await attempt(entry, async () => entry.prepared.dispose())
  }

  /** Signals and messages are heard only between turns of the event loop. */
  async function stopped(): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve))
    return isStopped()
  }
}

/** Another process may die while it is timed: the other contenders go on. */
async function attempt(entry: Entry, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    entry.refusal ??= { status: 'error', reason: reasonOf(error), error: null }
  }
}

/** Samples of a contender, unless what it left in its output is wrong. */
async function sampleChecked(entry: Entry, { inputs, expected }: Checked, milliseconds: number): Promise<void> {
  if (entry.refusal) return
  const { prepared } = entry
  await prepared.setInput(inputs)
  prepared.poison?.()
  const samples = prepared.sample
    ? await prepared.sample(milliseconds)
    : await sampleRuns(() => prepared.run(), milliseconds, entry.iterations)
  const { right, ...error } = checked(prepared, inputs, expected)
  if (right || within(error.maxAbs, prepared)) entry.samples.push(...samples)
  else entry.refusal = incorrect(error)
}

function outcomeOf(
  task: Task,
  entry: Entry,
  peakOf: PeakOf,
): Partial<BenchRecord> & Pick<BenchRecord, 'status' | 'reason' | 'error'> {
  try {
    return entry.refusal ?? passed(task, entry, peakOf)
  } catch (error) {
    return { status: 'error', reason: reasonOf(error), error: null }
  }
}

function checked(prepared: Prepared, inputs: Inputs, expected: Expectation): ReturnType<typeof errorOf> {
  return errorOf(prepared.expectationOf?.(inputs) ?? expected, prepared.output())
}

function within(maxAbs: number | null, { tolerance }: Prepared): boolean {
  return tolerance !== undefined && maxAbs !== null && maxAbs <= tolerance
}

function incorrect(error: Entry['error']) {
  return {
    status: 'incorrect' as const,
    reason: `off by ${error.maxAbs ?? 'more than any number'}, ${error.bound} is allowed`,
    error,
  }
}

type Refused = { status: 'incorrect' | 'error' | 'unsupported'; reason: string; error: Entry['error'] | null }

/** Prepares a contender and checks it on two inputs: a kernel that returns its previous result fails the second. */
async function prepareChecked(
  task: Task,
  spec: ContenderSpec,
  expectations: readonly Checked[],
): Promise<Pick<Entry, 'prepared' | 'error'> | Refused> {
  const supported = spec.supports(task)
  if (supported !== true) return { status: 'unsupported', reason: supported, error: null }
  let prepared: Prepared | undefined
  try {
    prepared = await spec.prepare(task)
    let error: Entry['error'] = { maxAbs: 0, rms: 0, bound: 0 }
    for (const { inputs, expected } of expectations) {
      await prepared.setInput(inputs)
      prepared.poison?.()
      await prepared.run()
      const { right, ...found } = checked(prepared, inputs, expected)
      error = found
      if (!right && !within(found.maxAbs, prepared)) {
        await prepared.dispose()
        return incorrect(found)
      }
    }
    return {
      prepared,
      error: prepared.tolerance === undefined ? error : { ...error, bound: Math.max(error.bound, prepared.tolerance) },
    }
  } catch (cause) {
    // The first fault is the one to tell.
    await discard(prepared)
    return { status: 'error', reason: reasonOf(cause), error: null }
  }
}

async function discard(prepared: Prepared | undefined): Promise<void> {
  try {
    await prepared?.dispose()
  } catch {
    // A process that died has nothing left to dispose of.
  }
}

function reasonOf(cause: unknown): string {
  return redact(cause instanceof Error ? cause.message || cause.name : String(cause)).slice(0, 500)
}

/** Runs until the time is over; returns how often, and how many runs make a sample. */
async function warmUp(prepared: Prepared, milliseconds: number): Promise<Pick<Entry, 'warmup' | 'iterations'>> {
  if (prepared.sample) return { warmup: (await prepared.sample(milliseconds)).length, iterations: 1 }
  const start = performance.now()
  const end = start + milliseconds
  let runs = 0
  for (; runs === 0 || performance.now() < end; runs++) await prepared.run()
  return { warmup: runs, iterations: iterationsFor((performance.now() - start) / runs) }
}

function passed(
  task: Task,
  { spec, prepared, error, samples, warmup, iterations, order }: Entry,
  peakOf: PeakOf,
): ReturnType<typeof outcomeOf> {
  const base = describeTask(task, spec.contender)
  const profile = prepared.profile?.()
  const time = median(samples)
  const peak = peakOf(spec, base.bytes)
  return {
    status: 'passed',
    reason: null,
    error,
    samples: [samples],
    order: [order],
    iterations,
    warmup,
    planning: prepared.planning,
    packing: profile ? profile.packing * time : null,
    kernel: profile ? profile.kernel * time : null,
    packedBytes: prepared.packedBytes,
    ...(prepared.chosen === undefined ? {} : { chosen: prepared.chosen }),
    bytesPerWeight:
      prepared.packedBytes === null || task.denseWeights === null ? null : prepared.packedBytes / task.denseWeights,
    limit: peak ? limitOf(spec.contender.method === 'dense' ? base.denseFlops : base.flops, base.bytes, peak) : null,
  }
}
