import { type Compact, expectFloat32 } from '../compact/layout.ts'
import { transposeCompressed } from './checks.ts'
import { type NmRecord, type NmRecordParts, nmLayout } from './nm-layout.ts'
import { chooseColumns, keepStored, packColumns, rowEntries, unpackColumns } from './nm-pattern.ts'
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
  expectFloat32(w, 'nm', 'nm.transpose')
  const [rows, columns] = w.shape
  const geometry = { shape: [columns, rows] as const, n: w.n, m: w.m, g: 1 }
  const entries = rowEntries(w)
  const rowOffsets = Uint32Array.from({ length: rows + 1 }, (_, row) => row * entries)
  const stored = transposeCompressed(rows, columns, rowOffsets, unpackColumns(w.indices, w))
  const kept = chooseColumns(geometry, keepStored(stored.offsets, stored.indices, geometry), 'nm.transpose')
  const width = rowEntries(geometry)
  const order = new Int32Array(kept.length).fill(-1)
  const values = new Float32Array(kept.length)
  for (let row = 0; row < columns; row++) {
    let at = row * width
    for (let i = stored.offsets[row]; i < stored.offsets[row + 1]; i++, at++) {
      while (kept[at] !== stored.indices[i]) at++
      order[at] = stored.order[i]
      values[at] = w.values[stored.order[i]]
    }
  }
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
