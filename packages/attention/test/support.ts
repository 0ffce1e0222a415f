import { type Backend, js, wasm } from '../src/index.ts'

export { attention, attentionBackward, blockMask, kernels, reference, referenceBackward } from '../src/index.ts'

/** The backend on which a kernel runs here; undefined where it needs another variant than this process has. */
export function resolveKernelBackend({ backend, variant }: { backend: string; variant: string }): Backend | undefined {
  if (backend === 'js') return js
  const open = wasm.open()
  return variant.startsWith(open.variant) ? open : undefined
}
