import { describe, rangeError, typeError } from '@nnz/core'

/** Checks a boolean. */
export function expectFlag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw typeError('NNZ_TYPE', `${name}: expected true or false, got ${describe(value)}`)
  return value
}

/** Checks a finite number. */
export function expectFinite(value: unknown, name: string): number {
  if (typeof value !== 'number') throw typeError('NNZ_TYPE', `${name}: expected a number, got ${describe(value)}`)
  if (!Number.isFinite(value)) throw rangeError('NNZ_VALUE', `${name}: expected a finite number, got ${value}`)
  return value
}

/** Checks a number from 0 to 1. */
export function expectShare(value: unknown, name: string): number {
  const share = expectFinite(value, name)
  if (share < 0 || share > 1) throw rangeError('NNZ_VALUE', `${name}: expected a number in 0..1, got ${share}`)
  return share
}

/** Pseudo-random numbers in 0..1 from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}
