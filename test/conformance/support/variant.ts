import { type Backend, js, runsOn, wasm, wasmFeatures } from '@nnz/core'

/** The variant that this project claims to test: set by the test runner's configuration together with NNZ_WASM and NNZ_THREADS. */
export type ClaimedVariant = 'relaxed' | 'base' | 'js' | 'threads'

export const claimed = process.env.NNZ_TESTED_VARIANT as ClaimedVariant

/** Why this host cannot run the claimed variant; undefined if it can. */
export function lacking(): string | undefined {
  const { simd, relaxed, threads } = wasmFeatures()
  if (claimed !== 'js' && !simd) return 'this host has no WebAssembly SIMD'
  if (claimed === 'relaxed' && !relaxed) return 'this host has no relaxed SIMD'
  if (claimed === 'threads' && !threads) return 'this host cannot share memory between threads'
  return undefined
}

/** The backend of the claimed variant, with all its threads started. */
export async function openBackend(): Promise<Backend> {
  if (claimed === 'js') return js
  return claimed === 'threads' ? await wasm.threads(2) : wasm.open()
}

/** The rows of a table that the backend runs. */
export function rowsOf<K extends { backend: string; variant: string }>(kernels: readonly K[], backend: Backend): K[] {
  return kernels.filter((kernel) => runsOn(kernel, backend))
}
