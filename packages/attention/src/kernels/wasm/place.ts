import { overlaps, tensor, type WasmMemory } from '@nnz/core'
import type { Heads } from '../../operands.ts'

/** A tensor [batch, heads, tokens, headDim] in WASM memory: byte address and byte strides. */
export interface Placed {
  readonly address: number
  readonly strides: readonly [batch: number, heads: number, tokens: number]
}

/** Where a tensor lies in WASM memory; undefined if it does not. */
export function inPlace(heads: Heads, memory: WasmMemory): Placed | undefined {
  const { data, strides } = heads
  const whole = memory.f32
  if (data.length === 0 || !overlaps(heads.tensor, tensor(whole, [whole.length]))) return undefined
  return { address: data.byteOffset, strides: [4 * strides[0], 4 * strides[1], 4 * strides[2]] }
}

function rowMajor([, heads, tokens, headDim]: Heads['shape']): [number, number, number] {
  return [heads * tokens * headDim, tokens * headDim, headDim]
}

function isRowMajor({ shape, strides }: Heads): boolean {
  const dense = rowMajor(shape)
  return dense.every((stride, axis) => shape[axis] === 1 || strides[axis] === stride)
}

/** Copies every row of headDim elements; offsets in elements. */
function copyRows(
  [batch, heads, tokens, headDim]: Heads['shape'],
  from: Float32Array,
  fromStrides: readonly number[],
  to: Float32Array,
  toStrides: readonly number[],
): void {
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < tokens; t++) {
        const source = b * fromStrides[0] + h * fromStrides[1] + t * fromStrides[2]
        const target = b * toStrides[0] + h * toStrides[1] + t * toStrides[2]
        for (let i = 0; i < headDim; i++) to[target + i] = from[source + i]
      }
    }
  }
}

function elements([batch, heads, tokens, headDim]: Heads['shape']): number {
  return batch * heads * tokens * headDim
}

function room(heads: Heads, memory: WasmMemory, address: number): { placed: Placed; view: Float32Array } {
  const dense = rowMajor(heads.shape)
  return {
    placed: { address, strides: [4 * dense[0], 4 * dense[1], 4 * dense[2]] },
    view: memory.f32.subarray(address / 4, address / 4 + elements(heads.shape)),
  }
}

/** Where a kernel may read a tensor: in place if it lies in WASM memory, else copied to `address`. */
export function placeInput(heads: Heads, memory: WasmMemory, address: number): Placed {
  const found = inPlace(heads, memory)
  if (found) return found
  const { placed, view } = room(heads, memory, address)
  if (isRowMajor(heads)) view.set(heads.data.subarray(0, view.length))
  else copyRows(heads.shape, heads.data, heads.strides, view, rowMajor(heads.shape))
  return placed
}

/** Where a kernel may write a tensor: in place, or at `address`, from where `finish` copies it. */
export function placeOutput(heads: Heads, memory: WasmMemory, address: number): Placed & { finish(): void } {
  const found = inPlace(heads, memory)
  if (found) return { ...found, finish() {} }
  const { placed, view } = room(heads, memory, address)
  return {
    ...placed,
    finish() {
      if (isRowMajor(heads)) heads.data.set(view)
      else copyRows(heads.shape, view, rowMajor(heads.shape), heads.data, heads.strides)
    },
  }
}
