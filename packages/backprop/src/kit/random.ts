import { describe, rangeError } from '@nnz/core'

/** Mixes one number into a 32-bit state (the finaliser of MurmurHash3, so that near seeds give unlike streams). */
function mix(state: number, value: number): number {
  let h = (state ^ value) >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * Seeded numbers, the same on every host: sfc32 (Chris Doty-Humphrey, PractRand). `new Random(seed, layer, step)` is a
 * stream of its own for each list of numbers, so that training which goes on from a checkpoint needs no saved generator.
 *
 * @throws RangeError if the seed or a number of the stream is not a whole number from 0 to 2^53 - 1
 */
export class Random {
  #a = 0
  #b = 0
  #c = 0
  #counter = 1

  constructor(seed: number, ...stream: readonly number[]) {
    let state = 0x9e3779b9
    for (const value of [seed, ...stream]) {
      if (!Number.isSafeInteger(value) || value < 0)
        throw rangeError('NNZ_VALUE', `Random: expected whole numbers from 0 on, got ${describe(value)}`)
      state = mix(mix(state, value >>> 0), Math.floor(value / 2 ** 32) + 0x7f4a7c15)
      this.#a = mix(this.#a, state)
      this.#b = mix(this.#b + 1, state)
      this.#c = mix(this.#c + 2, state)
    }
    for (let i = 0; i < 12; i++) this.bits()
  }

  /** 32 random bits as a whole number. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** Uniform in [0, 1), 32 bits. */
  next(): number {
    return this.bits() / 2 ** 32
  }

  /** A whole number in 0..limit-1, all of them equally likely; `limit` at most 2^32. */
  below(limit: number): number {
    if (!(Number.isInteger(limit) && limit > 0 && limit <= 2 ** 32))
      throw rangeError('NNZ_VALUE', `Random.below: expected a whole limit in 1..2^32, got ${describe(limit)}`)
    const bound = 2 ** 32 - (2 ** 32 % limit)
    let bits = this.bits()
    while (bits >= bound) bits = this.bits()
    return bits % limit
  }

  /** Normally distributed, mean 0 and variance 1 (Box and Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()))
    return radius * Math.cos(2 * Math.PI * this.next())
  }

  /** `count` different numbers out of 0..limit-1, in random order (the first steps of a Fisher-Yates shuffle). */
  sample(count: number, limit: number): Uint32Array {
    if (!(Number.isInteger(count) && count >= 0 && count <= limit))
      throw rangeError(
        'NNZ_VALUE',
        `Random.sample: expected a whole count of at most ${describe(limit)}, got ${describe(count)}`,
      )
    // Only the places that were swapped are kept: the memory is that of the sample.
    const moved = new Map<number, number>()
    const chosen = new Uint32Array(count)
    for (let i = 0; i < count; i++) {
      const j = i + this.below(limit - i)
      chosen[i] = moved.get(j) ?? j
      moved.set(j, moved.get(i) ?? i)
      moved.delete(i)
    }
    return chosen
  }
}
