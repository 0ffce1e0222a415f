import { halfToNumber } from './safetensors.ts'

/** The element types that are read: plain numbers, and blocks of numbers that share a scale. */
export type BlockType = 'F32' | 'F16' | 'Q4_0' | 'Q4_1' | 'Q8_0'

interface BlockFormat {
  /** In the file. */
  readonly number: number
  readonly name: BlockType
  /** Elements of a block, and bytes. */
  readonly elements: number
  readonly bytes: number
}

export const BLOCK_TYPES: readonly BlockFormat[] = [
  { number: 0, name: 'F32', elements: 1, bytes: 4 },
  { number: 1, name: 'F16', elements: 1, bytes: 2 },
  { number: 2, name: 'Q4_0', elements: 32, bytes: 18 },
  { number: 3, name: 'Q4_1', elements: 32, bytes: 20 },
  { number: 8, name: 'Q8_0', elements: 32, bytes: 34 },
]

/**
 * Widens blocks to f32 (github.com/ggml-org/ggml, `ggml-quants.c`): a Q8_0 block is a scale in f16 and 32 bytes; Q4_0 a
 * scale and 32 nibbles less 8; Q4_1 a scale, a least value and 32 nibbles, the low ones being the first 16 elements.
 */
export function unpackBlocks(bytes: Uint8Array, type: BlockType, elements: number): Float32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const half = (at: number) => halfToNumber(view.getUint16(at, true))
  const result = new Float32Array(elements)
  if (type === 'F32') for (let i = 0; i < elements; i++) result[i] = view.getFloat32(4 * i, true)
  if (type === 'F16') for (let i = 0; i < elements; i++) result[i] = half(2 * i)
  if (type === 'Q8_0')
    for (let i = 0, at = 0; i < elements; i += 32, at += 34) {
      const scale = half(at)
      for (let j = 0; j < 32; j++) result[i + j] = scale * view.getInt8(at + 2 + j)
    }
  if (type === 'Q4_0')
    for (let i = 0, at = 0; i < elements; i += 32, at += 18) nibbles(bytes, at + 2, half(at), -8 * half(at), result, i)
  if (type === 'Q4_1')
    for (let i = 0, at = 0; i < elements; i += 32, at += 20) nibbles(bytes, at + 4, half(at), half(at + 2), result, i)
  return result
}

function nibbles(bytes: Uint8Array, at: number, scale: number, least: number, result: Float32Array, i: number): void {
  for (let j = 0; j < 16; j++) {
    result[i + j] = scale * (bytes[at + j] & 15) + least
    result[i + j + 16] = scale * (bytes[at + j] >> 4) + least
  }
}
