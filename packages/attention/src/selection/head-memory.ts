import type { WasmMemory } from '@nnz/core'
import { inPlace } from '../kernels/wasm/place.ts'
import type { Heads } from '../operands.ts'

/** Where the tokens of a head lie in WASM memory, and how many bytes apart. */
export interface PlacedHead {
  readonly address: number
  readonly stride: number
}

/** A head that lies in WASM memory; undefined if it does not. */
export function headInPlace(x: Heads, memory: WasmMemory, batch: number, head: number): PlacedHead | undefined {
  const placed = inPlace(x, memory)
  if (!placed) return undefined
  const [batchBytes, headBytes, stride] = placed.strides
  return { address: placed.address + batch * batchBytes + head * headBytes, stride }
}

/** Copies `count` tokens of a head from `first` on, without gaps. */
export function copyTokens(
  { data, strides, shape }: Heads,
  batch: number,
  head: number,
  first: number,
  count: number,
  target: Float32Array,
): void {
  const headDim = shape[3]
  const from = batch * strides[0] + head * strides[1] + first * strides[2]
  if (strides[2] === headDim || count === 1) target.set(data.subarray(from, from + count * headDim))
  else
    for (let token = 0; token < count; token++) {
      const source = from + token * strides[2]
      target.set(data.subarray(source, source + headDim), token * headDim)
    }
}
