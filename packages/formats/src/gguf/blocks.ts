import { fromF16Bits } from '@nnz/core/storage'
import { unpackQ2K, unpackQ3K, unpackQ4K, unpackQ5K, unpackQ6K } from './super-blocks.ts'

/** Widens the block that begins at byte `at` into `result` from element `to` on. */
export type Unpack = (view: DataView, at: number, result: Float32Array, to: number) => void

/** An element type: plain numbers, or blocks of numbers that share a scale. */
export interface BlockType {
  /** In the file. */
  readonly number: number
  readonly name: string
  /** Elements of a block, and bytes. */
  readonly elements: number
  readonly bytes: number
  /** None for plain numbers. */
  readonly unpack?: Unpack
}

/** github.com/ggml-org/ggml, `ggml.h` and `ggml-common.h`. */
export const BLOCK_TYPES: readonly BlockType[] = [
  { number: 0, name: 'F32', elements: 1, bytes: 4 },
  { number: 1, name: 'F16', elements: 1, bytes: 2 },
  { number: 2, name: 'Q4_0', elements: 32, bytes: 18, unpack: unpackQ4_0 },
  { number: 3, name: 'Q4_1', elements: 32, bytes: 20, unpack: unpackQ4_1 },
  { number: 6, name: 'Q5_0', elements: 32, bytes: 22, unpack: unpackQ5_0 },
  { number: 7, name: 'Q5_1', elements: 32, bytes: 24, unpack: unpackQ5_1 },
  { number: 8, name: 'Q8_0', elements: 32, bytes: 34, unpack: unpackQ8_0 },
  { number: 10, name: 'Q2_K', elements: 256, bytes: 84, unpack: unpackQ2K },
  { number: 11, name: 'Q3_K', elements: 256, bytes: 110, unpack: unpackQ3K },
  { number: 12, name: 'Q4_K', elements: 256, bytes: 144, unpack: unpackQ4K },
  { number: 13, name: 'Q5_K', elements: 256, bytes: 176, unpack: unpackQ5K },
  { number: 14, name: 'Q6_K', elements: 256, bytes: 210, unpack: unpackQ6K },
  { number: 20, name: 'IQ4_NL', elements: 32, bytes: 18, unpack: unpackIQ4_NL },
  { number: 24, name: 'I8', elements: 1, bytes: 1 },
  { number: 25, name: 'I16', elements: 1, bytes: 2 },
  { number: 26, name: 'I32', elements: 1, bytes: 4 },
  { number: 27, name: 'I64', elements: 1, bytes: 8 },
  { number: 28, name: 'F64', elements: 1, bytes: 8 },
  { number: 30, name: 'BF16', elements: 1, bytes: 2 },
]

/** Widens whole blocks to f32. */
export function unpackBlocks(
  bytes: Uint8Array,
  { elements, bytes: size, unpack }: BlockType,
): Float32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const blocks = bytes.length / size
  const result = new Float32Array(blocks * elements)
  for (let block = 0; block < blocks; block++) unpack!(view, block * size, result, block * elements)
  return result
}

// Blocks of 32 as in `ggml-quants.c`: scales are f16, and the low nibbles are the first 16 elements.

function half(view: DataView, at: number): number {
  return fromF16Bits(view.getUint16(at, true))
}

/** `high` holds a fifth bit for each element. */
function nibbles(
  view: DataView,
  at: number,
  result: Float32Array,
  to: number,
  { scale, least, high = 0 }: { scale: number; least: number; high?: number },
): void {
  for (let j = 0; j < 16; j++) {
    const pair = view.getUint8(at + j)
    result[to + j] = scale * ((pair & 15) | (((high >>> j) & 1) << 4)) + least
    result[to + j + 16] = scale * ((pair >> 4) | (((high >>> (j + 16)) & 1) << 4)) + least
  }
}

function unpackQ4_0(view: DataView, at: number, result: Float32Array, to: number): void {
  const scale = half(view, at)
  nibbles(view, at + 2, result, to, { scale, least: -8 * scale })
}

function unpackQ4_1(view: DataView, at: number, result: Float32Array, to: number): void {
  nibbles(view, at + 4, result, to, { scale: half(view, at), least: half(view, at + 2) })
}

function unpackQ5_0(view: DataView, at: number, result: Float32Array, to: number): void {
  const scale = half(view, at)
  nibbles(view, at + 6, result, to, { scale, least: -16 * scale, high: view.getUint32(at + 2, true) })
}

function unpackQ5_1(view: DataView, at: number, result: Float32Array, to: number): void {
  const high = view.getUint32(at + 4, true)
  nibbles(view, at + 8, result, to, { scale: half(view, at), least: half(view, at + 2), high })
}

function unpackQ8_0(view: DataView, at: number, result: Float32Array, to: number): void {
  const scale = half(view, at)
  for (let j = 0; j < 32; j++) result[to + j] = scale * view.getInt8(at + 2 + j)
}

/** What the nibbles of IQ4_NL stand for. */
const IQ4_VALUES = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]

function unpackIQ4_NL(view: DataView, at: number, result: Float32Array, to: number): void {
  const scale = half(view, at)
  for (let j = 0; j < 16; j++) {
    const pair = view.getUint8(at + 2 + j)
    result[to + j] = scale * IQ4_VALUES[pair & 15]
    result[to + j + 16] = scale * IQ4_VALUES[pair >> 4]
  }
}
