/** Cosines and sines of every position and pair of a head's elements, [tokens, headDim / 2]. */
export interface Rotations {
  readonly cosines: Float64Array
  readonly sines: Float64Array
  /** Pairs of a head. */
  readonly pairs: number
}

/** The angles position · base^(-2i / headDim) of some positions (RoPE, Su et al., arXiv 2104.09864). */
export function rotations(positions: ArrayLike<number>, headDim: number, base: number): Rotations {
  const pairs = headDim / 2
  const cosines = new Float64Array(positions.length * pairs)
  const sines = new Float64Array(positions.length * pairs)
  for (let i = 0; i < pairs; i++) {
    const frequency = base ** ((-2 * i) / headDim)
    for (let token = 0; token < positions.length; token++) {
      cosines[token * pairs + i] = Math.cos(positions[token] * frequency)
      sines[token * pairs + i] = Math.sin(positions[token] * frequency)
    }
  }
  return { cosines, sines, pairs }
}

/**
 * Turns the pairs (2i, 2i + 1) of the first `heads` heads of every row, in place.
 *
 * @param x rows `stride` apart, one for each token
 * @param direction -1 turns back, which is what gradients need
 */
export function rotate(
  x: Float32Array,
  { cosines, sines, pairs }: Rotations,
  { stride, heads, direction = 1 }: { stride: number; heads: number; direction?: 1 | -1 },
): void {
  const tokens = cosines.length / pairs
  for (let token = 0; token < tokens; token++) {
    const [begin, end] = [token * pairs, (token + 1) * pairs]
    for (let head = 0, at = token * stride; head < heads; head++)
      for (let i = begin; i < end; i++, at += 2) {
        const cosine = cosines[i]
        const sine = direction * sines[i]
        const a = x[at]
        const b = x[at + 1]
        x[at] = a * cosine - b * sine
        x[at + 1] = a * sine + b * cosine
      }
  }
}
