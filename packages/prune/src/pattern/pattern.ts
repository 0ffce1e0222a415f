import { describe, rangeError, typeError } from '@nnz/core'

/**
 * Where zeros may lie:
 * - `unstructured`: anywhere;
 * - `nm`: of every m neighbours in a row n are kept;
 * - `grouped-nm`: the same, and `group` neighbouring rows keep the same columns;
 * - `block`: whole blocks of height x width are kept or removed;
 * - `column-vector`: whole pieces of a column, `height` rows each, are kept or removed.
 *
 * The sparsity of `nm` and `grouped-nm` is 1 - n / m; that of the others is chosen.
 */
export type Pattern =
  | { readonly kind: 'unstructured' }
  | { readonly kind: 'nm'; readonly n: number; readonly m: number }
  | { readonly kind: 'grouped-nm'; readonly n: number; readonly m: number; readonly group: number }
  | { readonly kind: 'block'; readonly height: number; readonly width: number }
  | { readonly kind: 'column-vector'; readonly height: number }

/** What is kept or removed as a whole, and how many of neighbouring ones are, where that is fixed. */
export interface Units {
  readonly height: number
  readonly width: number
  /** Of every m neighbouring units n are kept. */
  readonly nm?: { readonly n: number; readonly m: number }
}

const LARGEST_M = 32

function whole(value: unknown, most: number, name: string, key: string): number {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > most)
    throw rangeError('NNZ_VALUE', `${name}: expected ${key} to be a whole number in 1..${most}, got ${describe(value)}`)
  return value as number
}

/**
 * Checks a pattern and gives its units.
 *
 * @param name of the caller, for errors
 * @throws TypeError if it is no pattern
 * @throws RangeError if a number is out of range
 */
export function unitsOf(pattern: Pattern, name: string): Units {
  if (typeof pattern !== 'object' || pattern === null)
    throw typeError(
      'NNZ_TYPE',
      `${name}: expected a pattern such as { kind: "unstructured" }, got ${describe(pattern)}`,
    )
  switch (pattern.kind) {
    case 'unstructured':
      return { height: 1, width: 1 }
    case 'nm':
    case 'grouped-nm': {
      const m = whole(pattern.m, LARGEST_M, name, 'm')
      const n = whole(pattern.n, m, name, 'n')
      const height = pattern.kind === 'nm' ? 1 : whole(pattern.group, 2 ** 31, name, 'group')
      return { height, width: 1, nm: { n, m } }
    }
    case 'block':
      return {
        height: whole(pattern.height, 2 ** 31, name, 'height'),
        width: whole(pattern.width, 2 ** 31, name, 'width'),
      }
    case 'column-vector':
      return { height: whole(pattern.height, 2 ** 31, name, 'height'), width: 1 }
    default: {
      const kinds = 'unstructured, nm, grouped-nm, block or column-vector'
      throw rangeError(
        'NNZ_VALUE',
        `${name}: expected the kind of a pattern, ${kinds}, got ${describe((pattern as { kind?: unknown }).kind)}`,
      )
    }
  }
}

/** A pattern in few words: `unstructured`, `2:4`, `2:4 g=2`, `block 4x4`, `column-vector 8`. */
export function patternName(pattern: Pattern): string {
  switch (pattern.kind) {
    case 'unstructured':
      return 'unstructured'
    case 'nm':
      return `${pattern.n}:${pattern.m}`
    case 'grouped-nm':
      return `${pattern.n}:${pattern.m} g=${pattern.group}`
    case 'block':
      return `block ${pattern.height}x${pattern.width}`
    case 'column-vector':
      return `column-vector ${pattern.height}`
  }
}

/** How many entries a sparsity leaves of so many: the nearest whole number. */
export function keptOf(entries: number, sparsity: number): number {
  return Math.round(entries * (1 - sparsity))
}
