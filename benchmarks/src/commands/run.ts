import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { wasm, wasmFeatures, wasmSupport } from '@nnz/core'
import { captureEnvironment, hashBytes } from '../environment/index.ts'
import { listWorkloads, operationOf } from '../operations/index.ts'
import { assertPublishable, chosenName, openStore, type Peak, type Store } from '../records/index.ts'
import { renderReport, renderTerminal, rowsOf, sectionsOf } from '../report/index.ts'
import { SUITES, type SuitePlan } from '../runner/budgets.ts'
import { measureElsewhere } from '../runner/elsewhere.ts'
import { kernelHashes } from '../runner/kernel-hashes.ts'
import { paceOf } from '../runner/pace.ts'
import { measurePeaks } from '../runner/peaks.ts'
import { isLimited, type OpenedContenders, type Point, pointsOf, runMatrix } from '../runner/run-matrix.ts'
import type { Workload } from '../runner/workload.ts'
import { version } from '../version.ts'
import { createProgress } from './progress.ts'
import { type ContenderSelection, openContenders } from './setup.ts'

/** Options of `nnz-bench run`, parsed. */
export interface RunOptions {
  readonly suite: string
  readonly operations?: readonly string[] | undefined
  readonly workloads?: readonly string[] | undefined
  readonly sparsity?: readonly number[] | undefined
  readonly kernels?: readonly string[] | undefined
  readonly backends?: readonly string[] | undefined
  readonly baselines?: readonly string[] | undefined
  readonly threads?: readonly number[] | undefined
  readonly machine: string
  readonly out: string
  readonly readme?: string | undefined
  readonly shard?: { readonly index: number; readonly total: number } | undefined
  readonly processes?: number | undefined
  readonly resume: boolean
  readonly dryRun: boolean
  readonly budget?: number | undefined
}

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))

const POINT = /^(.+)\/([01]\.\d\d)$/

/** The workloads of a suite that the options leave. */
export function selectWorkloads(
  plan: SuitePlan,
  options: Pick<RunOptions, 'operations' | 'workloads' | 'sparsity'>,
): Workload[] {
  const { operations, workloads, sparsity } = options
  // A full point id names a workload and its sparsity.
  const points = (workloads ?? []).map((text) => POINT.exec(text)).filter((match) => match !== null)
  const matching = [...(workloads ?? plan.matching ?? []), ...points.map((match) => match[1])]
  const sparsities = sparsity ?? (points.length > 0 ? points.map((match) => Number(match[2])) : plan.sparsities)
  return listWorkloads({
    suite: plan.workloads,
    ...(operations ? { operations } : {}),
    ...(matching.length > 0 ? { matching } : {}),
    ...(sparsities ? { sparsities } : {}),
  }).map(({ workload }) => workload)
}

/** Measures a suite, prints its table, and renders the report of the results folder. */
export async function run(given: RunOptions): Promise<void> {
  const options = { ...given, threads: given.threads ?? usualThreads() }
  const plan = SUITES[options.suite]
  if (!plan) throw new RangeError(`--suite: expected one of ${Object.keys(SUITES).join(', ')}, got ${options.suite}`)
  const named = chosenName.safeParse(options.machine)
  if (!named.success)
    throw new RangeError(`--machine: ${named.error.issues[0].message}, got ${JSON.stringify(options.machine)}`)
  const workloads = selectWorkloads(plan, options)
  const points = pointsOf(workloads, options.shard)
  if (points.length === 0)
    throw new RangeError('run: no workload is left by --operations, --workloads and --shard (see nnz-bench list)')
  for (const count of options.threads) {
    if (count > availableParallelism())
      throw new RangeError(`--threads: ${count} asked for, this machine has ${availableParallelism()}`)
  }
  const opened = await openOperations(points, options)
  const peaks = [...opened.values()].flatMap(({ specs }) => specs).some(({ contender }) => isLimited(contender))
    ? await peaksOf(options.threads)
    : []
  const environment = await captureEnvironment({
    machine: options.machine,
    suite: options.suite,
    ...(options.shard ? { shard: options.shard } : {}),
    wasm: wasmFeatures(),
    kernels: kernelHashes(hashBytes),
    peaks,
    packageFolder: PACKAGE,
    codeFolder: fileURLToPath(new URL('..', import.meta.url)),
    version,
  })
  assertPublishable({ environment })
  if (options.dryRun) {
    console.log(JSON.stringify({ schema: 1, environment }, null, 2))
    printPlan(points, opened)
    return
  }
  const processes = options.processes ?? plan.processes
  const store = await openStore({ folder: options.out, environment, resume: options.resume })
  if (options.resume) {
    console.log(`resumed: ${store.resumed} records are there already`)
    for (const { path, reason } of store.notResumed) console.log(`not resumed: ${path} ${reason}`)
  }
  let stopped = false
  const stop = () => {
    stopped = true
    process.exitCode = 130
    console.error('\nstopping; --resume continues')
  }
  process.once('SIGINT', stop)
  const progress = createProgress(points.length)
  try {
    await runMatrix({
      points,
      contendersOf: ({ operation }) => opened.get(operation) ?? { specs: [], missing: [] },
      makeTask: (workload, sparsity) => operationOf(workload).makeTask(workload, sparsity),
      pace: paceOf(plan, options.budget),
      environment: store.environment,
      store,
      processes,
      measureElsewhere: (point, budget, seed) =>
        measureElsewhere(point, { suite: plan.workloads, selection: selectionOf(options), budget, peaks, seed }),
      onPoint: progress.at,
      isStopped: () => stopped,
      onFailure(error) {
        process.exitCode = 1
        console.error(`\n${error instanceof Error ? error.message : error}: left out, --resume tries it again`)
      },
    })
  } finally {
    progress.stop()
    process.off('SIGINT', stop)
    await store.close()
  }
  await conclude(store, options)
}

/** The contenders of every operation that has a point. */
async function openOperations(
  points: readonly Point[],
  selection: ContenderSelection,
): Promise<Map<string, OpenedContenders>> {
  const opened = new Map<string, OpenedContenders>()
  for (const operation of new Set(points.map(({ workload }) => operationOf(workload))))
    opened.set(operation.name, await openContenders(operation, selection))
  return opened
}

function printPlan(points: readonly Point[], opened: ReadonlyMap<string, OpenedContenders>): void {
  for (const [operation, { specs, missing }] of opened) {
    const own = points.filter(({ workload }) => workload.operation === operation)
    console.log(`${operation}: would measure ${own.length} points x ${specs.length} contenders:`)
    for (const { workload, sparsity } of own) console.log(`  ${workload.id} at ${sparsity}`)
    for (const { contender } of specs) console.log(`  ${contender.name}, ${contender.threads} threads`)
    for (const { baseline, reason } of missing) console.log(`  missing: ${baseline.name}: ${reason}`)
  }
}

/** One thread, and two where there are two cores. */
function usualThreads(): number[] {
  return availableParallelism() > 1 && wasmFeatures().threads ? [1, 2] : [1]
}

/** What one thread and each asked-for number of threads reach, once each. */
async function peaksOf(threads: readonly number[]): Promise<Peak[]> {
  if (wasmSupport() !== true) return []
  const peaks: Peak[] = []
  for (const count of new Set([1, ...threads])) peaks.push(...measurePeaks(await wasm.threads(count)))
  return peaks
}

function selectionOf({ kernels, backends, baselines, threads }: ContenderSelection): ContenderSelection {
  return { kernels, backends, baselines, threads }
}

async function conclude(store: Store, { out, readme }: RunOptions): Promise<void> {
  const { leftOut, files } = await renderReport(out, readme === undefined ? {} : { readme })
  const measured = sectionsOf(
    rowsOf({
      runs: [
        {
          path: store.path,
          environment: store.environment,
          records: [...store.records.values()],
          partial: false,
          unofficial: null,
        },
      ],
    }),
  )
  console.log(renderTerminal(measured, process.stdout.columns ?? 100))
  for (const { reason } of leftOut) console.error(`left out: ${reason}`)
  console.log(`wrote ${store.path}`)
  console.log(`rendered ${files.filter((file) => file.endsWith('.html') || file.endsWith('README.md')).join(', ')}`)
}
