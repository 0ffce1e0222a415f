import { type Backend, js, wasm, wasmSupport } from '@nnz/core'
import type { Operation } from '../../src/operations/operation.ts'
import type { Environment, Peak } from '../../src/records/schema.ts'
import type { Store } from '../../src/records/store.ts'
import { paceOf } from '../../src/runner/pace.ts'
import { measurePeaks } from '../../src/runner/peaks.ts'
import { type OpenedContenders, openBaselines, runMatrix } from '../../src/runner/run-matrix.ts'
import { pageEnvironment } from './environment.ts'
import type { FromMatrix, MatrixSettings, ToMatrix } from './messages.ts'
import { operationOf, PAGE_BASELINES, pointsOfSuite } from './operations.ts'
import { openSavedRun, savedRun } from './saved-run.ts'

// A worker may block while others compute, and the page stays able to listen.
let stopped = false

function tell(message: FromMatrix): void {
  self.postMessage(message)
}

self.onmessage = ({ data }: MessageEvent<ToMatrix>) => {
  if (data.type === 'stop') {
    stopped = true
    return
  }
  measure(data.settings).then(
    () => tell({ type: 'ended' }),
    (error: unknown) => tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) }),
  )
}

async function measure(settings: MatrixSettings): Promise<void> {
  const { plan, points } = pointsOfSuite(settings.suite, settings.matching)
  const environment = await environmentOf(settings)
  const store = await openSavedRun(environment, !settings.resume)
  tell({ type: 'begun', environment: store.environment, records: [...store.records.values()] })
  const opened = new Map<Operation, OpenedContenders>()
  for (const operation of new Set(points.map(({ workload }) => operationOf(workload))))
    opened.set(operation, await openContenders(operation, settings))
  await runMatrix({
    points,
    contendersOf: (workload) => opened.get(operationOf(workload))!,
    makeTask: (workload, sparsity) => operationOf(workload).makeTask(workload, sparsity),
    pace: paceOf(plan, settings.seconds),
    environment: store.environment,
    store: telling(store),
    processes: 1,
    measureElsewhere: () => Promise.reject(new Error('a page has one process')),
    onPoint: (done, id) => tell({ type: 'point', done, total: points.length, id }),
    isStopped: () => stopped,
    onFailure: (error) => {
      throw error
    },
  })
}

function telling(store: Store): Store {
  return {
    ...store,
    async append(record) {
      await store.append(record)
      tell({ type: 'record', record })
    },
  }
}

/** Of a resumed run that of its beginning, so that peaks are measured once. */
async function environmentOf({ machine, suite, threads, resume, source }: MatrixSettings): Promise<Environment> {
  const saved = resume ? await savedRun() : undefined
  if (saved) return saved.environment
  const peaks: Peak[] = []
  if (wasmSupport() === true) for (const count of threads) peaks.push(...measurePeaks(await wasm.threads(count)))
  return pageEnvironment({ machine, suite, peaks, source })
}

async function openContenders(operation: Operation, { threads, baselines }: MatrixSettings): Promise<OpenedContenders> {
  const backends: Backend[] = []
  if (wasmSupport() === true)
    for (const count of threads) backends.push(count === 1 ? wasm.open() : await wasm.threads(count))
  backends.push(js)
  const asked = baselines ? operation.baselines.filter(({ name }) => PAGE_BASELINES.includes(name)) : []
  const { specs, missing } = await openBaselines(asked, threads)
  return { specs: [...operation.contenders(backends), ...specs], missing }
}
