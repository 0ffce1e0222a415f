import { type Backend, js, wasm } from '@nnz/core'

/** The backend of this process: forced by NNZ_WASM and NNZ_THREADS, with all its threads started. */
export async function openBackend(): Promise<Backend> {
  if (process.env.NNZ_WASM === 'off') return js
  const threads = Number(process.env.NNZ_THREADS || 1)
  return threads > 1 ? await wasm.threads(threads) : wasm.open()
}
