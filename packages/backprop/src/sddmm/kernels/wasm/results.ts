import { stageOutput, tensor, type WasmBackend, type Workspace } from '@nnz/core'
import type { SddmmArguments } from '../types.ts'

/** Gives the kernel a place for one number per entry, and brings it to the caller's array. */
export type Results = (args: SddmmArguments, compute: (address: number, accumulate: number) => void) => void

/**
 * Reserves the workspace for `count` results.
 *
 * @param outside positions beyond the shape: what the pattern holds there scales nothing
 */
export function createResults(
  backend: WasmBackend,
  workspace: Workspace,
  count: number,
  outside: readonly number[] = [],
): Results {
  const { memory } = backend
  const room = workspace.region(count * 4)
  return ({ out, scale, accumulate }, compute) => {
    if (scale) {
      compute(room(), 0)
      const sums = memory.f32.subarray(room() / 4, room() / 4 + count)
      const kept = outside.map((i) => (accumulate ? out[i] : 0))
      for (let i = 0; i < count; i++) out[i] = sums[i] * scale[i] + (accumulate ? out[i] : 0)
      outside.forEach((i, at) => {
        out[i] = kept[at]
      })
      return
    }
    const to = stageOutput(tensor(out, [1, count]), memory, room(), 'rows')
    if (accumulate && to.address === room()) memory.f32.set(out, room() / 4)
    compute(to.address, Number(accumulate))
    to.finish()
  }
}
