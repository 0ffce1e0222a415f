import { fromF16Bits } from '@nnz/core/storage'

// Blocks of 256 elements as in `ggml-quants.c`: eight groups of 32 with a scale and a least value each (Q4_K, Q5_K), or
// sixteen of 16 with a scale (Q3_K, Q6_K) and a least value (Q2_K), all of them multiples of one or two f16.

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

/** Pairs of bits: each half of 128 elements has 32 bytes, whose lowest pairs are its first 32 elements. */
function pairOf(view: DataView, at: number, i: number): number {
  return (view.getUint8(at + 32 * (i >> 7) + (i & 31)) >> (2 * ((i & 127) >> 5))) & 3
}

export function unpackQ2K(view: DataView, at: number, result: Float32Array, to: number): void {
  const [unit, leastUnit] = [half(view, at + 80), half(view, at + 82)]
  for (let i = 0; i < 256; i++) {
    const group = view.getUint8(at + (i >> 4))
    result[to + i] = unit * (group & 15) * pairOf(view, at + 16, i) - leastUnit * (group >> 4)
  }
}

export function unpackQ3K(view: DataView, at: number, result: Float32Array, to: number): void {
  const [highs, pairs, scales] = [at, at + 32, at + 96]
  const unit = half(view, at + 108)
  for (let i = 0; i < 256; i++) {
    const group = i >> 4
    const low = (view.getUint8(scales + (group & 7)) >> (group & 8 ? 4 : 0)) & 15
    const high = (view.getUint8(scales + 8 + (group & 3)) >> (2 * (group >> 2))) & 3
    const above = (view.getUint8(highs + (i & 31)) >> (i >> 5)) & 1
    result[to + i] = unit * ((low | (high << 4)) - 32) * (pairOf(view, pairs, i) - (above ? 0 : 4))
  }
}

export function unpackQ6K(view: DataView, at: number, result: Float32Array, to: number): void {
  const [lows, highs, scales] = [at, at + 128, at + 192]
  const unit = half(view, at + 208)
  for (let i = 0; i < 256; i++) {
    // Each half of 128 elements has 64 bytes of nibbles, the low ones first.
    const [side, within] = [i >> 7, i & 127]
    const low = (view.getUint8(lows + 64 * side + (within & 63)) >> (within & 64 ? 4 : 0)) & 15
    result[to + i] = unit * view.getInt8(scales + (i >> 4)) * ((low | (pairOf(view, highs, i) << 4)) - 32)
  }
}
