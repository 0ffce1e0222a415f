// Conversions between f32 and the two 16-bit formats, by bits: Float16Array is too young for the runtimes we support.

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

/** Largest finite number of f16. */
export const F16_MAX = 65504
/** Largest finite number of bf16. */
export const BF16_MAX = 2 ** 127 * (2 - 2 ** -7)

/**
 * The bits of a number as f16 (IEEE 754 binary16), rounded to nearest, ties to even. What would be a subnormal becomes
 * a zero of its sign, since kernels would be slow on it; beyond 65504 comes infinity.
 */
export function toF16Bits(value: number): number {
  float[0] = value
  const x = bits[0]
  const sign = (x >>> 16) & 0x8000
  const magnitude = x & 0x7fffffff
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00)
  // Half of the last place, less one where the place above is even: ties go there.
  const rounded = (magnitude + 0xfff + ((magnitude >>> 13) & 1)) >>> 13
  // In units of 2^-10 of the leading bit, the bias of f32 is 112 too large.
  const half = rounded - (112 << 10)
  // The last subnormal lies 2^-24 below 2^-14: from halfway up (0x387fe000 as f32) numbers round to 2^-14.
  if (half < 0x400) return magnitude >= 0x387fe000 ? sign | 0x400 : sign
  return sign | Math.min(half, 0x7c00)
}

/** The number that the bits of an f16 stand for; exact, subnormals too. */
export function fromF16Bits(half: number): number {
  const sign = (half & 0x8000) << 16
  const exponent = (half >>> 10) & 31
  const mantissa = half & 0x3ff
  if (exponent === 0) return (sign < 0 ? -mantissa : mantissa) * 2 ** -24
  bits[0] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13)
  return float[0]
}

/** The bits of a number as bf16 (the upper half of an f32), rounded to nearest, ties to even. */
export function toBf16Bits(value: number): number {
  float[0] = value
  const x = bits[0]
  if ((x & 0x7fffffff) > 0x7f800000) return (x >>> 16) | 0x40
  return ((x + 0x7fff + ((x >>> 16) & 1)) >>> 16) & 0xffff
}

/** The number that the bits of a bf16 stand for; exact. */
export function fromBf16Bits(half: number): number {
  bits[0] = half << 16
  return float[0]
}
