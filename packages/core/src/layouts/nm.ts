import type { Compact } from '../compact/layout.ts'
import { elementCount } from '../tensor.ts'
import { type NmRecord, type NmRecordParts, nmLayout } from './nm-layout.ts'
import { chooseColumns, keepMarked, packColumns, rowEntries, unpackColumns } from './nm-pattern.ts'
import { fromTensorCore, type TensorCoreParts, toTensorCore } from './nm-tensor-core.ts'

/** N:M weights in which every row has columns of its own; `g` is 1. See {@link NmRecord}. */
export interface Nm extends NmRecord<'nm'> {}

/** An {@link Nm} whose values are stored in a compact type. */
export type CompactNm = Compact<Nm>

/** The parts of an {@link Nm}. */
export type NmParts = NmRecordParts<'nm'>

const layout = nmLayout('nm')

/** A transposed matrix, and where its values come from. */
export interface NmTransposition {
  readonly transposed: Nm
  /** Entry i of the result is `values[order[i]]`, or 0 where that is -1: a column may keep fewer than n of a group. */
  readonly order: Int32Array
}

function transposition(w: Nm): NmTransposition {
  const [rows, columns] = w.shape
  const shape = [columns, rows] as const
  const geometry = { shape, n: w.n, m: w.m, g: 1 }
  const stored = unpackColumns(w.indices, w)
  const entries = rowEntries(w)
  const position = new Int32Array(elementCount(shape, 'nm.transpose')).fill(-1)
  for (let i = 0; i < stored.length; i++) position[stored[i] * rows + Math.floor(i / entries)] = i
  const kept = chooseColumns(
    geometry,
    keepMarked(
      position.map((at) => at + 1),
      geometry,
    ),
    'nm.transpose',
  )
  const width = rowEntries(geometry)
  const order = Int32Array.from(kept, (row, i) => position[Math.floor(i / width) * rows + row])
  const values = Float32Array.from(order, (at) => (at < 0 ? 0 : w.values[at]))
  return { transposed: layout({ ...geometry, values, indices: packColumns(kept, geometry) }), order }
}

/**
 * N:M weights, any 1 <= n <= m <= 32, any number of columns.
 *
 * - `nm({ shape, n, m, values, indices })` checks the arrays once and wraps them; see {@link NmRecord} for the form.
 * - `nm.fromDense(data, [rows, columns], { n, m })` keeps the n elements of largest magnitude of each group, of equals the
 *   one with the lowest column; -0 counts as 0. Throws RangeError for NaN.
 * - `nm.fromMasked(data, mask, shape, { n, m })` keeps what the mask has a one for, and zeros where a group has fewer than
 *   n; `nm.fromCsr(w, { n, m })` does so with the entries of a csr. Both throw RangeError naming the first group with more.
 * - `nm.toDense(w)`, `nm.toCsr(w)` (zeros stay entries), `nm.columnIndices(w)` (one for each value), `nm.validate(w)`.
 * - `nm.transpose(w)` is the transposed matrix where that is N:M, too (transposable masks), else it throws a RangeError
 *   naming the first group that is not; `nm.transposition(w)` says beside it where the values come from.
 * - `nm.toTensorCore(w)` and `nm.fromTensorCore(parts)`: 2:4 as NVIDIA's sparse tensor cores read it, see
 *   {@link TensorCoreParts}.
 * - `nm.quantise(w, { type })`, `nm.toFloat32(w)`, `nm.compactCost(w, quantised)`: values in `f16`, `bf16` or `i8`.
 */
export const nm = Object.assign(layout, {
  transposition,
  transpose: (w: Nm): Nm => transposition(w).transposed,
  toTensorCore,
  fromTensorCore: (parts: TensorCoreParts): Nm => layout(fromTensorCore(parts)),
})
