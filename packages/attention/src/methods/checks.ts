import { describe, rangeError, typeError } from '@nnz/core'

/** Checks a finite number. */
export function expectFinite(value: unknown, name: string): number {
  if (typeof value !== 'number') throw typeError('NNZ_TYPE', `${name}: expected a number, got ${describe(value)}`)
  if (!Number.isFinite(value)) throw rangeError('NNZ_VALUE', `${name}: expected a finite number, got ${value}`)
  return value
}
