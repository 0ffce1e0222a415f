import type { FromMatrix, MatrixSettings, ToMatrix } from '../matrix/messages.ts'

/** Measures in a worker; `hear` gets every message. Resolves when it ended or, at the next contender, was stopped. */
export function measureMatrix(
  settings: MatrixSettings,
  hear: (message: FromMatrix) => void,
  signal: AbortSignal,
): Promise<void> {
  const worker = new Worker(new URL('../matrix/worker.ts', import.meta.url), { type: 'module' })
  const tell = (message: ToMatrix) => worker.postMessage(message)
  return new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => tell({ type: 'stop' }), { once: true })
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.onmessage = ({ data }: MessageEvent<FromMatrix>) => {
      hear(data)
      if (data.type === 'ended') resolve()
      else if (data.type === 'failed') reject(new Error(data.message))
    }
    tell({ type: 'start', settings })
  }).finally(() => worker.terminate())
}
