import { createFinish, isWasm, resolveBackend, type Tensor, transposed, Workspace } from '@nnz/core'
import type { BackwardActivation } from './slopes.ts'

/**
 * y = f(x) in WASM, for matrices row-major without gaps.
 *
 * @returns false where the host has no WASM; nothing is written then
 */
export function activateWasm(x: Float32Array, y: Tensor, activation: BackwardActivation): boolean {
  const backend = resolveBackend(undefined)
  if (!isWasm(backend)) return false
  const [n, m] = y.shape
  const problem = { operation: 'activation', m, k: 0, n, orientation: 'tokens', activation } as const
  const finish = createFinish(problem, backend, new Workspace(backend))
  finish({ y: transposed(y), bias: undefined, residual: undefined }, 'columns', ({ address }) =>
    backend.memory.f32.set(x, address / Float32Array.BYTES_PER_ELEMENT),
  )
  return true
}
