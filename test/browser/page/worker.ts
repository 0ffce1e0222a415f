import workerUrl from '@nnz/core/worker?worker&url'
import { run, type Settings } from './run.ts'

self.onmessage = async ({ data }: MessageEvent<Settings>) => {
  self.postMessage(await run(data, workerUrl).catch((error: Error) => String(error.stack)))
}
