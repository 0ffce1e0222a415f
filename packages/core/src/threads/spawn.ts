import { configuration } from '../config.ts'
import { isNode } from '../features.ts'
import { type WorkerMail, workerMain } from './worker-main.ts'

/** A worker of either kind of host, reduced to what the pool needs. */
export interface PoolWorker {
  post(mail: WorkerMail): void
  terminate(): void
}

interface NodeWorker {
  on(event: 'error', handler: (error: unknown) => void): void
  postMessage(message: unknown): void
  unref(): void
  terminate(): Promise<number>
}

interface NodeThreads {
  Worker: new (source: string, options: { eval: boolean; stdin: boolean }) => NodeWorker
}

/** The source text of a worker script; the host says how a message handler is attached. */
function source(listen: string): string {
  return `(${workerMain})(${listen})`
}

function spawnNode(onError: (error: unknown) => void): PoolWorker {
  const host = globalThis as unknown as { process: { getBuiltinModule(name: string): NodeThreads } }
  const { Worker } = host.process.getBuiltinModule('node:worker_threads')
  // Neither `require` nor `import` is there in every case: the process may run with --input-type=module.
  const threads = `process.getBuiltinModule('node:worker_threads')`
  const worker = new Worker(source(`(handler) => ${threads}.parentPort.on('message', handler)`), {
    eval: true,
    stdin: false,
  })
  worker.on('error', onError)
  // A parked worker must not keep the process alive.
  worker.unref()
  return { post: (mail) => worker.postMessage(mail), terminate: () => void worker.terminate() }
}

function spawnBrowser(onError: (error: unknown) => void): PoolWorker {
  const { workerUrl } = configuration()
  const blob = () =>
    URL.createObjectURL(
      new Blob([source('(handler) => { self.onmessage = (event) => handler(event.data) }')], {
        type: 'text/javascript',
      }),
    )
  const worker = new Worker(workerUrl ?? blob(), { type: 'module' })
  worker.onerror = onError
  return { post: (mail) => worker.postMessage(mail), terminate: () => worker.terminate() }
}

/** Starts one worker; `onError` hears of one that cannot start or dies. */
export function spawnWorker(onError: (error: unknown) => void): PoolWorker {
  return isNode() ? spawnNode(onError) : spawnBrowser(onError)
}
