/** A worker script to serve from your own origin, where a content policy forbids Blob workers; see `configure`. */
import { workerMain } from './threads/worker-main.ts'

const scope = globalThis as unknown as { onmessage: ((event: MessageEvent) => void) | null }

workerMain((handler) => {
  scope.onmessage = (event) => handler(event.data)
})
