/** Seeded numbers for tests: mulberry32, so that a failure repeats from its seed. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number in 0..limit-1. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** Roughly normal, never exactly zero, rounded to f32. */
  value(): number {
    const sum = this.next() + this.next() + this.next() + this.next() - 2
    return Math.fround(sum) || 0.25
  }
}
