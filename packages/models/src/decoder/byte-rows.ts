import { WasmBlock } from '@nnz/core'
import * as set from '../generated/wasm-decoder.ts'
import { BLOCK, type ByteBlocks } from './byte-blocks.ts'
import { room, rowRanges, wasmBackend } from './memory.ts'

/** y = W·x for one x, with W in bytes and scales and x in f32: no rounding but that of f32. */
export interface ByteRows {
  run(x: Float32Array, y: Float32Array): void
  dispose(): void
}

/** Keeps a matrix [rows, columns] ready for such products; columns are whole blocks. */
export function byteRows(blocks: ByteBlocks, shape: readonly [rows: number, columns: number]): ByteRows {
  return wasmRows(blocks, shape) ?? { run: (x, y) => plainRows(blocks, shape, x, y), dispose() {} }
}

function wasmRows({ data, scales }: ByteBlocks, [rows, columns]: readonly [number, number]): ByteRows | undefined {
  const backend = wasmBackend()
  if (!backend) return undefined
  const bytes = new WasmBlock(backend, data.length)
  bytes.u8.set(new Uint8Array(data.buffer, data.byteOffset, data.length))
  const factors = new WasmBlock(backend, scales.byteLength)
  factors.f32.set(scales)
  const [from, to] = [room([columns]), room([rows])]
  return {
    run(x, y) {
      from.data.set(x)
      const operands = [bytes.address, factors.address, from.data.byteOffset, columns]
      backend.kernels(set).parallel('byteRows', [to.data.byteOffset, ...operands], rowRanges(rows, backend))
      y.set(to.data)
    },
    dispose() {
      for (const each of [bytes, factors, from, to]) each.dispose?.()
    },
  }
}

function plainRows(
  { data, scales }: ByteBlocks,
  [rows, columns]: readonly [number, number],
  x: Float32Array,
  y: Float32Array,
): void {
  for (let row = 0, at = 0; row < rows; row++) {
    let sum = 0
    for (let start = 0; start < columns; start += BLOCK) {
      let part = 0
      for (let i = 0; i < BLOCK; i++) part += data[at + i] * x[start + i]
      sum += scales[at / BLOCK] * part
      at += BLOCK
    }
    y[row] = sum
  }
}
