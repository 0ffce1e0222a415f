import { describe, typeError } from '@nnz/core'
import type { Parameter } from './parameter.ts'

function has(value: unknown, ...keys: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && keys.every((key) => key in value)
}

function isNumbers(value: unknown): boolean {
  if (ArrayBuffer.isView(value))
    return !(value instanceof DataView || value instanceof BigInt64Array || value instanceof BigUint64Array)
  return Array.isArray(value) && value.every((element) => typeof element === 'number')
}

function isPattern(value: unknown): boolean {
  if (!has(value, 'shape', 'rowOffsets', 'columnIndices')) return false
  const { shape, rowOffsets, columnIndices } = value as Record<string, unknown>
  return isNumbers(shape) && rowOffsets instanceof Uint32Array && columnIndices instanceof Uint32Array
}

/** What arguments are checked to be: in words, and how it is told. */
const KINDS = {
  string: ['a string', (value: unknown) => typeof value === 'string'],
  function: ['a function', (value: unknown) => typeof value === 'function'],
  object: ['an object', (value: unknown) => has(value) && !Array.isArray(value) && !ArrayBuffer.isView(value)],
  array: ['an array', Array.isArray],
  numbers: ['an array of numbers', isNumbers],
  indices: ['a Uint32Array', (value: unknown) => value instanceof Uint32Array],
  pattern: ['a pattern or a csr layout', isPattern],
  random: [
    'a Random',
    (value: unknown) => ['next', 'normal', 'sample'].every((key) => typeof (value as never)?.[key] === 'function'),
  ],
  parameter: ['a Parameter', (value: unknown) => has(value, 'name', 'value', 'state', 'trained')],
  module: ['a module', (value: unknown) => has(value, 'parameters', 'parts', 'work')],
} as const satisfies Record<string, readonly [string, (value: unknown) => boolean]>

/** A kind of argument that the kit takes. */
export type Kind = keyof typeof KINDS

/**
 * Checks arguments by their kind: `expectArguments('rigl', { object: { options }, numbers: { gradient } })`.
 *
 * @throws TypeError that names the first wrong one
 */
export function expectArguments(
  name: string,
  kinds: { readonly [K in Kind]?: Readonly<Record<string, unknown>> },
): void {
  for (const [kind, values] of Object.entries(kinds)) {
    const [words, fits] = KINDS[kind as Kind]
    for (const [key, value] of Object.entries(values)) {
      if (!fits(value)) throw typeError('NNZ_TYPE', `${name}: expected ${key} to be ${words}, got ${describe(value)}`)
    }
  }
}

/** All of an iterable, once each was checked to be of a kind. */
export function listOf<T>(kind: Kind, values: Iterable<T>, key: string, name: string): readonly T[] {
  if (typeof (values as Partial<Iterable<T>> | undefined | null)?.[Symbol.iterator] !== 'function')
    throw typeError('NNZ_TYPE', `${name}: expected ${key} to be an array, got ${describe(values)}`)
  const list = [...values]
  list.forEach((value, i) => {
    expectArguments(name, { [kind]: { [`${key}[${i}]`]: value } })
  })
  return list
}

/** All of an iterable of parameters. */
export function expectParameters(parameters: Iterable<Parameter>, name: string): readonly Parameter[] {
  return listOf('parameter', parameters, 'parameters', name)
}
