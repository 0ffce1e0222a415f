import { fromF16Bits } from '@nnz/core/storage'

// Blocks of 256 elements as in `ggml-quants.c`: eight groups of 32 (Q4_K, Q5_K) with a 6-bit scale and a 6-bit least value
// each, or sixteen of 16 with an 8-bit scale (Q6_K), all of them multiples of one or two f16.

function half(view: DataView, at: number): number {
  return fromF16Bits(view.getUint16(at, true))
}

/** Scale and least value of group 0..7 out of the 12 bytes that begin at `at`. */
function groupScale(view: DataView, at: number, group: number): { scale: number; least: number } {
  const byte = (i: number) => view.getUint8(at + i)
  if (group < 4) return { scale: byte(group) & 63, least: byte(group + 4) & 63 }
  return {
    scale: (byte(group + 4) & 15) | ((byte(group - 4) >> 6) << 4),
    least: (byte(group + 4) >> 4) | ((byte(group) >> 6) << 4),
  }
}

/** @param highBits where the 32 bytes with a fifth bit for each element of each group begin; none for Q4_K */
function unpackGroups(
  view: DataView,
  at: number,
  result: Float32Array,
  to: number,
  { quants, highBits }: { quants: number; highBits?: number },
): void {
  const [unit, leastUnit] = [half(view, at), half(view, at + 2)]
  for (let group = 0; group < 8; group++) {
    const { scale, least } = groupScale(view, at + 4, group)
    const [step, offset] = [unit * scale, leastUnit * least]
    const [bytes, shift] = [quants + 32 * (group >> 1), group & 1 ? 4 : 0]
    for (let j = 0; j < 32; j++) {
      const low = (view.getUint8(bytes + j) >> shift) & 15
      const high = highBits === undefined ? 0 : ((view.getUint8(highBits + j) >> group) & 1) << 4
      result[to + 32 * group + j] = step * (low | high) - offset
    }
  }
}

export function unpackQ4K(view: DataView, at: number, result: Float32Array, to: number): void {
  unpackGroups(view, at, result, to, { quants: at + 16 })
}

export function unpackQ5K(view: DataView, at: number, result: Float32Array, to: number): void {
  unpackGroups(view, at, result, to, { quants: at + 48, highBits: at + 16 })
}

export function unpackQ6K(view: DataView, at: number, result: Float32Array, to: number): void {
  const [lows, highs, scales] = [at, at + 128, at + 192]
  const unit = half(view, at + 208)
  for (let i = 0; i < 256; i++) {
    // Each half of 128 elements has 64 bytes of nibbles, the low ones first, and 32 bytes of four pairs of bits.
    const [side, within] = [i >> 7, i & 127]
    const low = (view.getUint8(lows + 64 * side + (within & 63)) >> (within & 64 ? 4 : 0)) & 15
    const high = (view.getUint8(highs + 32 * side + (within & 31)) >> (2 * (within >> 5))) & 3
    result[to + i] = unit * view.getInt8(scales + (i >> 4)) * ((low | (high << 4)) - 32)
  }
}
