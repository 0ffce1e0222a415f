import workerUrl from '@nnz/core/worker?worker&url'
import { run, type Settings } from './run.ts'

/** The same, in a worker. */
function runInWorker(settings: Settings): ReturnType<typeof run> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Awaited<ReturnType<typeof run>> | string>) =>
      typeof data === 'string' ? reject(new Error(data)) : resolve(data)
    worker.onerror = (event) => reject(new Error(event.message))
    worker.postMessage(settings)
  })
}

const api = { run: (settings: Settings) => run(settings, workerUrl), runInWorker }
/** What the test sees of the page. */
export type Api = typeof api
Object.assign(globalThis, { api })
