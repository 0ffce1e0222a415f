import { configuration } from '../config.ts'
import { isNode } from '../features.ts'
import { type WorkerMail, workerMain } from './worker-main.ts'

/** A worker of either kind of host, reduced to what the pool needs. */
export interface PoolWorker {
  post(mail: WorkerMail): void
  terminate(): void
}

interface NodeWorker {
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

function spawnNode(): PoolWorker {
  const host = globalThis as unknown as { process: { getBuiltinModule(name: string): NodeThreads } }
  const { Worker } = host.process.getBuiltinModule('node:worker_threads')
  const worker = new Worker(source(`(handler) => require('node:worker_threads').parentPort.on('message', handler)`), {
    eval: true,
    stdin: false,
  })
  // A parked worker must not keep the process alive.
  worker.unref()
  return { post: (mail) => worker.postMessage(mail), terminate: () => void worker.terminate() }
}

function spawnBrowser(): PoolWorker {
  const { workerUrl } = configuration()
  const blob = () =>
    URL.createObjectURL(
      new Blob([source('(handler) => { self.onmessage = (event) => handler(event.data) }')], { type: 'text/javascript' }),
    )
  const worker = new Worker(workerUrl ?? blob(), { type: 'module' })
  return { post: (mail) => worker.postMessage(mail), terminate: () => worker.terminate() }
}

/** Starts one worker. */
export function spawnWorker(): PoolWorker {
  return isNode() ? spawnNode() : spawnBrowser()
}
