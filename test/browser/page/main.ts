import { wasmSupport } from '@nnz/core'
import workerUrl from '@nnz/core/worker?worker&url'
import { csr, spmm, tensor } from '@nnz/spmm'
import { check, type Findings, type Settings } from './check.ts'

/** The same check, in a worker. */
function checkInWorker(settings: Settings): Promise<Findings> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Findings | string>) =>
      typeof data === 'string' ? reject(new Error(data)) : resolve(data)
    worker.onerror = (event) => reject(new Error(event.message))
    worker.postMessage(settings)
  })
}

/** A call without any setting: which backend is taken, and what comes out. */
function call(): { support: true | string; backend: string; y: number[] } {
  const w = csr.fromDense([2, 0, 0, 3], [2, 2])
  const plan = spmm.plan(w, { columns: 1 })
  const y = [...plan.run(tensor([5, 7], [2, 1])).data]
  return { support: wasmSupport(), backend: plan.explain().backend, y }
}

const api = { check: (settings: Settings) => check(settings, workerUrl), checkInWorker, call }
/** What the test sees of the page. */
export type Api = typeof api
Object.assign(globalThis, { api })
