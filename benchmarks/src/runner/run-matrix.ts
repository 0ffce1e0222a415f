import { recordId } from '../records/identity.ts'
import { redact } from '../records/publishable.ts'
import type { BenchRecord, Contender, Environment, Peak } from '../records/schema.ts'
import type { Store } from '../records/store.ts'
import type { Baseline, ContenderSpec } from './contender.ts'
import { type Budget, measureTask, type PeakOf } from './measure.ts'
import type { Pace } from './pace.ts'
import { levelOf } from './peaks.ts'
import { describeTask } from './record.ts'
import type { Task } from './task.ts'
import { pointId, type Workload } from './workload.ts'

/** One workload at one sparsity: what is measured together. */
export interface Point {
  readonly workload: Workload
  readonly sparsity: number
}

/** The points of workloads, in order; with a shard, every total-th of them. */
export function pointsOf(workloads: readonly Workload[], shard?: { index: number; total: number }): Point[] {
  const points = workloads.flatMap((workload) => workload.sparsities.map((sparsity) => ({ workload, sparsity })))
  return shard ? points.filter((_, i) => i % shard.total === shard.index - 1) : points
}

/** The contenders of an operation, and the baselines that are missing, with the reason. */
export interface OpenedContenders {
  readonly specs: readonly ContenderSpec[]
  readonly missing: readonly { readonly baseline: Baseline; readonly reason: string }[]
}

/** Opens each baseline; one that is not there is kept with its reason. */
export async function openBaselines(
  baselines: readonly Baseline[],
  threads: readonly number[],
): Promise<OpenedContenders> {
  const specs: ContenderSpec[] = []
  const missing: { baseline: Baseline; reason: string }[] = []
  for (const baseline of baselines) {
    try {
      specs.push(...(await baseline.open(threads)))
    } catch (error) {
      missing.push({ baseline, reason: redact(error instanceof Error ? error.message : String(error)) })
    }
  }
  return { specs, missing }
}

/** What is measured, and how. */
export interface MatrixOptions {
  readonly points: readonly Point[]
  /** Of the operation that a workload belongs to. */
  readonly contendersOf: (workload: Workload) => OpenedContenders
  readonly makeTask: (workload: Workload, sparsity: number) => Promise<Task>
  /** Called before each point. */
  readonly pace: Pace
  readonly environment: Environment
  readonly store: Store
  /** Fresh processes for each point; `measureElsewhere` runs one of them. 1 measures in this process. */
  readonly processes: number
  readonly measureElsewhere: (point: Point, budget: Budget, seed: number) => Promise<readonly BenchRecord[]>
  readonly onPoint: (done: number, id: string, contender: string) => void
  readonly isStopped: () => boolean
  /** Hears of points whose fresh process died; they stay unmeasured, and the others go on. */
  readonly onFailure: (error: unknown) => void
}

/** Measures every point; records reach the store as they are made. What the store has already is left out. */
export async function runMatrix(options: MatrixOptions): Promise<void> {
  const { points, store, processes, onPoint } = options
  for (const [done, point] of points.entries()) {
    if (options.isStopped()) return
    const id = pointId(point.workload, point.sparsity)
    onPoint(done, id, '')
    const task = await options.makeTask(point.workload, point.sparsity)
    const opened = options.contendersOf(point.workload)
    await recordMissing(task, opened, store)
    const specs = opened.specs.filter((spec) => {
      if (!takesPart(spec, task)) return false
      const known = store.records.get(recordId(task.id, spec.contender, 'hot'))
      // What was missing when the run began may be there now.
      return known === undefined || known.status === 'missing'
    })
    if (specs.length === 0) continue
    const able = specs.filter((spec) => spec.supports(task) === true).length
    const budget = options.pace.budgetFor(points.length - done, able * processes)
    if (processes === 1) {
      const step = { onStep: (name: string) => onPoint(done, id, name), isStopped: options.isStopped }
      const peakOf: PeakOf = (spec, bytes) => peakFor(spec, bytes, options.environment.peaks)
      await measureTask(task, specs, { budget, peakOf, seed: done + 1, ...step }, (record) => store.append(record))
      continue
    }
    for (const record of await measureInProcesses(point, budget, options, (label) => onPoint(done, id, label))) {
      if (store.records.get(record.id)?.status !== 'passed') await store.append(record)
    }
  }
}

/** Whether a contender gets a record for a task: a kernel for another layout or shape does not. */
export function takesPart({ contender, supports }: ContenderSpec, task: Task): boolean {
  return contender.type !== 'kernel' || supports(task) === true
}

/** The records of all fresh processes of a point, joined; none if it was stopped or one of them died. */
async function measureInProcesses(
  point: Point,
  budget: Budget,
  { processes, measureElsewhere, isStopped, onFailure }: MatrixOptions,
  onStep: (label: string) => void,
): Promise<BenchRecord[]> {
  const runs: (readonly BenchRecord[])[] = []
  try {
    for (let seed = 1; seed <= processes && !isStopped(); seed++) {
      onStep(`process ${seed} of ${processes}`)
      runs.push(await measureElsewhere(point, budget, seed))
    }
  } catch (error) {
    // Ctrl+C reaches the fresh process, too.
    if (!isStopped()) onFailure(error)
    return []
  }
  return isStopped() ? [] : mergeProcesses(runs)
}

async function recordMissing(task: Task, { missing }: OpenedContenders, store: Store): Promise<void> {
  for (const { baseline, reason } of missing) {
    const record = describeTask(task, baseline.placeholder)
    if (store.records.has(record.id)) continue
    await store.append({ ...record, status: 'missing', reason, error: null })
  }
}

/**
 * The measured peak that limits a contender: of the instructions that this host has, reading from where its operands lie.
 * Natively compiled code has none here.
 */
export function peakFor({ contender }: ContenderSpec, bytes: number, peaks: readonly Peak[]): Peak | undefined {
  if (!isLimited(contender)) return undefined
  const named = (name: string) =>
    peaks.find((peak) => peak.threads === contender.threads && peak.name === name + levelOf(bytes))
  return named('wasm-relaxed') ?? named('wasm-simd')
}

/** Whether the measured peaks say anything about a contender. */
export function isLimited({ class: name, dtype }: Contender): boolean {
  return (name === 'nnz-wasm' || name === 'wasm') && dtype === 'f32'
}

/** One record of several processes' records: all samples, a list for each process. One that failed once has failed. */
export function mergeProcesses(runs: readonly (readonly BenchRecord[])[]): BenchRecord[] {
  const byId = Map.groupBy(runs.flat(), ({ id }) => id)
  return [...byId.values()].map((records) => {
    const failed = records.find(({ status }) => status !== 'passed')
    if (failed) return failed
    const worst = records.reduce((a, b) => ((b.error?.maxAbs ?? 0) > (a.error?.maxAbs ?? 0) ? b : a))
    return {
      ...worst,
      samples: records.flatMap(({ samples }) => samples),
      order: records.flatMap(({ order }) => order),
    }
  })
}
