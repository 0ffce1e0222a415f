import { describe, typeError } from '../errors.ts'
import { toFloat32 } from '../tensor.ts'
import { type CompactCost, compactCost } from './cost.ts'
import {
  type CompactValues,
  dequantiseValues,
  expectCompactValues,
  isCompactValues,
  type QuantiseOptions,
  quantiseValues,
} from './values.ts'

/** A layout whose values are stored in a compact type; its structure is that of the layout. */
export type Compact<L> = Omit<L, 'values'> & { readonly values: CompactValues }

/** What a layout needs to carry compact values. */
export interface CompactLayout {
  readonly layout: string
  readonly shape: readonly [rows: number, columns: number]
  readonly values: Float32Array
}

/** Whether the values of a layout are compact. */
export function isCompact<L extends { readonly values: unknown }>(w: L | Compact<L>): w is Compact<L> {
  return isCompactValues(w.values)
}

/**
 * Checks that the values of a layout are f32: what reads them as they are would make NaN of compact ones.
 *
 * @throws TypeError if they are not
 */
export function expectFloat32(w: { readonly values: unknown }, layout: string, operation: string): void {
  if (w?.values instanceof Float32Array) return
  const help = isCompactValues(w?.values) ? `; ${layout}.toFloat32(w) has them` : ''
  throw typeError('NNZ_TYPE', `${operation}: expected a ${layout} of f32 values, got ${describe(w)}${help}`)
}

/** The parts of a layout with values of either kind. */
export type AnyValues<P> = Omit<P, 'values'> & { readonly values: ArrayLike<number> | CompactValues }

/** The values given to a layout's constructor: compact ones checked, an f32 array as it is, others converted. */
export function toValues(
  values: ArrayLike<number> | CompactValues,
  shape: readonly [number, number],
  name: string,
): Float32Array | CompactValues {
  return isCompactValues(values) ? expectCompactValues(values, shape, name) : toFloat32(values, name)
}

/** Functions of a layout that has compact forms. */
export interface CompactFunctions<L extends CompactLayout> {
  /** The same matrix with its values stored in another type; see {@link QuantiseOptions}. */
  quantise(w: L, options: QuantiseOptions): Compact<L>
  /** The same matrix with f32 values; one that has them already is returned as it is. */
  toFloat32(w: L | Compact<L>): L
  /** Error and bytes of `compact` against the layout that it was quantised from. */
  compactCost(original: L, compact: Compact<L>): CompactCost
}

/**
 * `quantise`, `toFloat32` and `compactCost` of a layout.
 *
 * @param name of the layout, for errors
 * @param create its constructor
 * @param scaleIndices index of the scale of each stored value, in canonical order
 */
export function compactFunctions<L extends CompactLayout>(
  name: string,
  create: (parts: AnyValues<L>) => L | Compact<L>,
  scaleIndices: (w: L | Compact<L>, groupColumns: number) => Uint32Array,
): CompactFunctions<L> {
  function restore(w: Compact<L>): Float32Array {
    return dequantiseValues(w.values, (groupColumns) => scaleIndices(w, groupColumns))
  }
  return {
    quantise(w, options) {
      expectFloat32(w, name, `${name}.quantise`)
      const indices = (groupColumns: number) => scaleIndices(w, groupColumns)
      const values = quantiseValues(w.values, w.shape, options, indices, `${name}.quantise`)
      return create({ ...w, values }) as Compact<L>
    },
    toFloat32: (w) => (isCompact(w) ? (create({ ...w, values: restore(w) }) as L) : (w as L)),
    compactCost: (original, compact) => compactCost(original, compact, restore(compact), `${name}.compactCost`),
  }
}
