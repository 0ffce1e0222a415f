import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Yields whole numbers, uniform in -2^31 .. 2^31 - 1. */
export type Random = () => number

/** What a stream of numbers is for. Streams of one seed do not overlap: they lie 2^64 numbers apart. */
export type Stream = 'pattern' | 'values' | 'activations'

const STREAMS: readonly Stream[] = ['pattern', 'values', 'activations']
/** xoroshiro128+ begins with a state of few set bits for small seeds; these numbers are thrown away. */
const WARM_UP = 64

/** A generator (xoroshiro128+, Blackman and Vigna) that gives the same numbers on every platform. */
export function random(seed: number, stream: Stream): Random {
  const generator = xoroshiro128plus(seed)
  for (let i = 0; i < WARM_UP; i++) generator.next()
  for (let i = 0; i < STREAMS.indexOf(stream); i++) generator.jump()
  return () => generator.next()
}

/** `count` values, uniform in [-1, 1], none of them zero. */
export function seededValues(count: number, seed: number): Float32Array {
  return fill(new Float32Array(count), random(seed, 'values'))
}

/** The activations of a workload: K x N, row-major, uniform in [-1, 1], none of them zero. */
export function seededActivations(k: number, n: number, seed: number): Float32Array {
  return fill(new Float32Array(k * n), random(seed, 'activations'))
}

/** Odd numbers over 2^31 are never zero, and stay so when rounded to f32. */
function fill(values: Float32Array, next: Random): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = (next() | 1) / 2 ** 31
  return values
}
