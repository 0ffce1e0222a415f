import type { WasmMemory, Workspace } from '@nnz/core'
import { inPlace } from '../kernels/wasm/place.ts'
import type { Heads } from '../operands.ts'

/** Where the tokens of a head lie in WASM memory, and how many bytes apart. */
export interface PlacedHead {
  readonly address: number
  readonly stride: number
}

/**
 * Places one head after the other: in place where the tensor lies in WASM memory, else copied to one region, which is small
 * enough to stay in a cache.
 */
export function headPlacer(
  workspace: Workspace,
  memory: WasmMemory,
  tokens: number,
  headDim: number,
): (x: Heads, batch: number, head: number) => PlacedHead {
  const room = workspace.region(4 * tokens * headDim)
  return (x, batch, head) => {
    const { data, strides, shape } = x
    const placed = inPlace(x, memory)
    if (placed)
      return {
        address: placed.address + batch * placed.strides[0] + head * placed.strides[1],
        stride: placed.strides[2],
      }
    const from = batch * strides[0] + head * strides[1]
    const [, , count, length] = shape
    const target = memory.f32.subarray(room() / 4, room() / 4 + count * length)
    if (strides[2] === length || count < 2) target.set(data.subarray(from, from + target.length))
    else
      for (let token = 0; token < count; token++) {
        const source = from + token * strides[2]
        target.set(data.subarray(source, source + length), token * length)
      }
    return { address: room(), stride: 4 * length }
  }
}
