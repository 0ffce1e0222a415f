import { bsr, csr } from '@nnz/core'
import type { SparseWeights } from '@nnz/spmm'

/** Calls `visit(row, column, position of its value)` for every stored element inside the shape. */
export function forEachEntry(w: SparseWeights, visit: (row: number, column: number, position: number) => void): void {
  const [m, k] = w.shape
  const [r, c] = blockShapeOf(w)
  for (let group = 0; group < w.rowOffsets.length - 1; group++) {
    for (let entry = w.rowOffsets[group]; entry < w.rowOffsets[group + 1]; entry++) {
      const left = w.columnIndices[entry] * c
      for (let y = 0; y < Math.min(r, m - group * r); y++) {
        for (let x = 0; x < Math.min(c, k - left); x++) visit(group * r + y, left + x, (entry * r + y) * c + x)
      }
    }
  }
}

/** Extents of a block; single entries are blocks of one element. */
export function blockShapeOf(w: SparseWeights): readonly [number, number] {
  return w.layout === 'bsr' ? w.blockShape : [1, 1]
}

/** The pattern of `w` with other values, which are not copied. */
export function withValues<W extends SparseWeights>(w: W, values: Float32Array): W
export function withValues(w: SparseWeights, values: Float32Array): SparseWeights {
  return w.layout === 'csr' ? csr({ ...w, values }) : bsr({ ...w, values })
}

/** A matrix seen the other way round, and where its values come from. */
export interface Transposition<W extends SparseWeights> {
  readonly weights: W
  /** Value i of the transposed layout is value `order[i]` of the given one. */
  readonly order: Uint32Array
}

/** The transposed matrix in the same kind of layout; blocks are transposed, too. */
export function transposition<W extends SparseWeights>(w: W): Transposition<W>
export function transposition(w: SparseWeights): Transposition<SparseWeights> {
  const [r, c] = blockShapeOf(w)
  const groups = Math.ceil(w.shape[1] / c)
  const { rowOffsets, columnIndices } = w
  const offsets = new Uint32Array(groups + 1)
  for (let i = 0; i < columnIndices.length; i++) offsets[columnIndices[i] + 1]++
  for (let i = 0; i < groups; i++) offsets[i + 1] += offsets[i]
  const next = offsets.slice(0, groups)
  const indices = new Uint32Array(columnIndices.length)
  const order = new Uint32Array(w.values.length)
  const area = r * c
  for (let group = 0; group < rowOffsets.length - 1; group++) {
    for (let entry = rowOffsets[group]; entry < rowOffsets[group + 1]; entry++) {
      const to = next[columnIndices[entry]]++
      indices[to] = group
      if (area === 1) order[to] = entry
      else for (let i = 0; i < area; i++) order[to * area + i] = entry * area + (i % r) * c + Math.floor(i / r)
    }
  }
  const parts = {
    shape: [w.shape[1], w.shape[0]],
    rowOffsets: offsets,
    columnIndices: indices,
    values: permute(w.values, order),
  }
  return { weights: w.layout === 'csr' ? csr(parts) : bsr({ ...parts, blockShape: [c, r] }), order }
}

/** `values[order[i]]` for every i, written to `result`. */
export function permute(
  values: Float32Array,
  order: Uint32Array,
  result: Float32Array = new Float32Array(order.length),
): Float32Array {
  for (let i = 0; i < order.length; i++) result[i] = values[order[i]]
  return result
}

/** Whether two layouts have entries at the same places. */
export function samePattern(a: SparseWeights, b: SparseWeights): boolean {
  const equal = (x: ArrayLike<number>, y: ArrayLike<number>): boolean => {
    if (x === y) return true
    if (x.length !== y.length) return false
    for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false
    return true
  }
  return (
    a.layout === b.layout &&
    equal(a.shape, b.shape) &&
    equal(blockShapeOf(a), blockShapeOf(b)) &&
    equal(a.rowOffsets, b.rowOffsets) &&
    equal(a.columnIndices, b.columnIndices)
  )
}
