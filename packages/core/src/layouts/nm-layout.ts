import { type AnyValues, type Compact, compactFunctions, expectFloat32, toValues } from '../compact/layout.ts'
import { type CompactValues, scaleGroups } from '../compact/values.ts'
import { describe, rangeError, typeError } from '../errors.ts'
import { elementCount, toFloat32 } from '../tensor.ts'
import * as checks from './checks.ts'
import { type Csr, csr } from './csr.ts'
import * as pattern from './nm-pattern.ts'

/**
 * N:M weights: in every group of m neighbouring columns a row stores n entries (a stored zero is one), in a last group of
 * r < m columns min(n, r); g neighbouring rows store the same columns. Every row has the same number E of entries.
 *
 * `values[row * E + i]` are a row's entries with rising columns. `indices` are their columns inside their groups, for one
 * of g rows, ceil(log2 m) bits each (2 for m = 4), one after the other from the lowest bit on.
 */
export interface NmRecord<T extends 'nm' | 'nmg'> extends pattern.NmGeometry {
  readonly layout: T
  readonly shape: readonly [rows: number, columns: number]
  readonly n: number
  readonly m: number
  readonly g: number
  readonly values: Float32Array
  readonly indices: Uint8Array
  /** Stored entries. */
  readonly nnz: number
}

/** The parts that a record is made of. */
export type NmRecordParts<T extends 'nm' | 'nmg'> = PatternOf<T> & {
  shape: readonly number[]
  values: ArrayLike<number>
  indices: Uint8Array
}

/** What says how many columns are kept. */
export type PatternOf<T extends 'nm' | 'nmg'> = T extends 'nm' ? pattern.NmPattern : pattern.NmgPattern

/** The functions of one of the two layouts. */
export function nmLayout<T extends 'nm' | 'nmg'>(layout: T) {
  type L = NmRecord<T>
  type G = PatternOf<T>

  function geometryOf(shape: unknown, given: unknown, name: string): pattern.NmGeometry {
    const { n, m, g } = pattern.expectPattern(given, name)
    return { shape: checks.expectShape(shape, name), n, m, g: layout === 'nmg' ? g : 1 }
  }

  function make(
    geometry: pattern.NmGeometry,
    values: ArrayLike<number> | CompactValues,
    indices: Uint8Array,
  ): L | Compact<L> {
    const { shape, n, m, g } = geometry
    const record = {
      layout,
      shape,
      n,
      m,
      g,
      values: toValues(values, shape, `${layout}: values`),
      indices,
      nnz: values.length,
    }
    checks.checked.add(record)
    return Object.freeze(record) as L | Compact<L>
  }

  function create(parts: NmRecordParts<T>): L
  function create(parts: AnyValues<NmRecordParts<T>>): L | Compact<L>
  function create(parts: AnyValues<NmRecordParts<T>>): L | Compact<L> {
    if (typeof parts !== 'object' || parts === null)
      throw typeError('NNZ_TYPE', `${layout}: expected an object, got ${describe(parts)}`)
    if (!(parts.indices instanceof Uint8Array))
      throw typeError('NNZ_TYPE', `${layout}: indices: expected a Uint8Array, got ${describe(parts.indices)}`)
    const geometry = geometryOf(parts.shape, parts, layout)
    check(geometry, parts.values, parts.indices)
    return make(geometry, parts.values, parts.indices)
  }

  function check(geometry: pattern.NmGeometry, values: ArrayLike<unknown> | CompactValues, indices: Uint8Array): void {
    checks.checkLength(
      values as ArrayLike<unknown>,
      geometry.shape[0] * pattern.rowEntries(geometry),
      `${layout}: values`,
    )
    pattern.checkIndices(indices, geometry, `${layout}: indices`)
  }

  /** From a choice of columns and the dense matrix. */
  function chosen(data: ArrayLike<number>, geometry: pattern.NmGeometry, keep: pattern.Keep, name: string): L {
    const columns = pattern.chooseColumns(geometry, keep, name)
    return make(geometry, pattern.gather(data, columns, geometry), pattern.packColumns(columns, geometry)) as L
  }

  function dense(data: ArrayLike<number>, shape: readonly [number, number], name: string): Float32Array {
    checks.expectDense(data, shape, name)
    return toFloat32(data, name)
  }

  function fromDense(data: ArrayLike<number>, shape: readonly number[], given: G): L {
    const name = `${layout}.fromDense`
    const geometry = geometryOf(shape, given, name)
    const source = dense(data, geometry.shape, name)
    // A loop, since findIndex calls back for each element.
    let at = 0
    while (at < source.length && !Number.isNaN(source[at])) at++
    if (at < source.length) {
      const [row, column] = [Math.floor(at / geometry.shape[1]), at % geometry.shape[1]]
      throw rangeError('NNZ_VALUE', `${name}: row ${row}, column ${column}: NaN has no magnitude to choose by`)
    }
    const w = chosen(source, geometry, pattern.keepLargest(source, geometry), name)
    // Negative zero counts as zero.
    for (let i = 0; i < w.values.length; i++) w.values[i] += 0
    return w
  }

  function fromMasked(data: ArrayLike<number>, mask: ArrayLike<unknown>, shape: readonly number[], given: G): L {
    const name = `${layout}.fromMasked`
    const geometry = geometryOf(shape, given, name)
    const source = dense(data, geometry.shape, name)
    if (typeof mask !== 'object' || mask === null || typeof mask.length !== 'number')
      throw typeError('NNZ_TYPE', `${name}: expected mask to be an array, got ${describe(mask)}`)
    if (mask.length !== source.length) {
      throw rangeError('NNZ_SHAPE', `${name}: mask has ${mask.length} elements, expected ${source.length}`)
    }
    const masked = source.map((value, i) => (mask[i] ? value : 0))
    return chosen(masked, geometry, pattern.keepMarked(mask, geometry), name)
  }

  function fromCsr(w: Csr, given: G): L {
    const name = `${layout}.fromCsr`
    expectFloat32(w, 'csr', name)
    const geometry = geometryOf(w.shape, given, name)
    const { rowOffsets, columnIndices, values } = w
    const columns = pattern.chooseColumns(geometry, pattern.keepStored(rowOffsets, columnIndices, geometry), name)
    const entries = pattern.rowEntries(geometry)
    const stored = new Float32Array(w.shape[0] * entries)
    for (let row = 0; row < w.shape[0]; row++) {
      let at = Math.floor(row / geometry.g) * entries
      const start = at
      for (let i = rowOffsets[row]; i < rowOffsets[row + 1]; i++, at++) {
        while (columns[at] !== columnIndices[i]) at++
        stored[row * entries + at - start] = values[i]
      }
    }
    return make(geometry, stored, pattern.packColumns(columns, geometry)) as L
  }

  function toDense(w: L): Float32Array {
    expectFloat32(w, layout, `${layout}.toDense`)
    const result = new Float32Array(elementCount(w.shape, `${layout}.toDense`))
    pattern.scatter(w.values, pattern.unpackColumns(w.indices, w), w, result)
    return result
  }

  /** Where the entries of a row begin among unpacked columns. */
  function columnIndices(w: L | Compact<L>): Uint32Array {
    const { shape, g } = w
    const columns = pattern.unpackColumns(w.indices, w)
    if (g === 1) return columns
    const entries = pattern.rowEntries(w)
    const all = new Uint32Array(shape[0] * entries)
    for (let row = 0; row < shape[0]; row++) {
      const from = Math.floor(row / g) * entries
      all.set(columns.subarray(from, from + entries), row * entries)
    }
    return all
  }

  function toCsr(w: L): Csr {
    const entries = pattern.rowEntries(w)
    const rowOffsets = Uint32Array.from({ length: w.shape[0] + 1 }, (_, row) => row * entries)
    return csr({ shape: w.shape, rowOffsets, columnIndices: columnIndices(w), values: w.values })
  }

  function scaleIndices(w: L | Compact<L>, groupColumns: number): Uint32Array {
    const groups = scaleGroups(w.shape[1], groupColumns)
    const entries = pattern.rowEntries(w)
    return columnIndices(w).map((column, i) => Math.floor(i / entries) * groups + Math.floor(column / groupColumns))
  }

  return Object.assign(create, {
    fromDense,
    fromMasked,
    fromCsr,
    toDense,
    toCsr,
    columnIndices,
    validate: (w: L | Compact<L>): void => check(geometryOf(w.shape, w, layout), w.values, w.indices),
    ...compactFunctions<L>(layout, create as never, scaleIndices),
  })
}
