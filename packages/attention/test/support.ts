import { type Backend, js, wasm } from '../src/index.ts'

export { attention, attentionBackward, blockMask, kernels, reference, referenceBackward } from '../src/index.ts'

/** Whether this process is for another variant of the kernels in WASM, or for threads: plain JS has run without. */
const again = Boolean(process.env.NNZ_WASM || process.env.NNZ_THREADS)

/** The backend on which a kernel runs here; undefined where it needs another variant than this process has. */
export function resolveKernelBackend({ backend, variant }: { backend: string; variant: string }): Backend | undefined {
  if (backend === 'js') return again ? undefined : js
  const open = wasm.open()
  return variant.startsWith(open.variant) ? open : undefined
}
