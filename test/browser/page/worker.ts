import workerUrl from '@nnz/core/worker?worker&url'
import { check, type Settings } from './check.ts'

self.onmessage = async ({ data }: MessageEvent<Settings>) => {
  self.postMessage(await check(data, workerUrl).catch((error: Error) => String(error.stack)))
}
