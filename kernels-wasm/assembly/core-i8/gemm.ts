// Dense GEMM of i8 weights and activations quantised to 0..127: C[M, N] = W[M, K] X[K, N] in f32, sums in i32 for each
// group of columns of W. Formats in pack.ts and tiles.ts.
import { parameterBytes } from '../lib/quantise'
import { UNIT } from './pack'
import {
  directByFive,
  directByFour,
  directByOne,
  directBySix,
  directByThree,
  directByTwo,
  pairedByFour,
  pairedByOne,
  pairedByThree,
  pairedByTwo,
} from './tiles'

/** Bytes of weights that each panel of X meets before the next panel comes: they stay in L2. */
const GROUP_BYTES: i32 = 196608

/**
 * y is overwritten in its M x N elements and nowhere else; strides in bytes, rowStride 4 is fastest. M, N, K >= 0.
 *
 * @param weights     tiles of eight rows, tileBytes each
 * @param groupUnits  units of k that share a scale
 * @param width       columns of a panel of x, at most 4 where paired, else 6
 * @param parameters  of the columns, from columnScales
 * @param paired      1: by 16-bit dot products, 0: by 32-bit ones; the same numbers
 * @param begin, end  tiles of eight rows
 */
export function gemmI8(
  y: usize,
  rowStride: usize,
  columnStride: usize,
  weights: usize,
  tileBytes: i32,
  groupUnits: i32,
  x: usize,
  parameters: usize,
  m: i32,
  n: i32,
  k: i32,
  width: i32,
  paired: i32,
  begin: i32,
  end: i32,
): void {
  const units = (k + UNIT - 1) / UNIT
  const zeros = 2 * parameterBytes(n)
  const group = max(1, GROUP_BYTES / tileBytes)
  for (let first = begin; first < end; first += group) {
    const last = min(end, first + group)
    for (let column = 0; column < n; column += width) {
      const columns = min(width, n - column)
      const panel = x + <usize>column * (<usize>units << 2)
      const scales = parameters + (<usize>column << 2)
      for (let tile = first; tile < last; tile++) {
        const a = weights + <usize>tile * tileBytes
        const to = y + <usize>(tile << 3) * rowStride + <usize>column * columnStride
        const rows = min(8, m - (tile << 3))
        if (ASC_FEATURE_RELAXED_SIMD && paired) pairedTile(columns, paired, a, units, groupUnits, panel, scales, scales + zeros, to, rowStride, columnStride, rows)
        else directTile(columns, a, units, groupUnits, panel, scales, scales + zeros, to, rowStride, columnStride, rows)
      }
    }
  }
}

// @ts-ignore: decorator
@inline function pairedTile(columns: i32, one: i32, a: usize, units: i32, groupUnits: i32, panel: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  if (columns == 4) pairedByFour(one, a, units, groupUnits, panel, scales, zeros, y, rowStride, columnStride, rows)
  else if (columns == 3) pairedByThree(one, a, units, groupUnits, panel, scales, zeros, y, rowStride, columnStride, rows)
  else if (columns == 2) pairedByTwo(one, a, units, groupUnits, panel, scales, zeros, y, rowStride, columnStride, rows)
  else pairedByOne(one, a, units, groupUnits, panel, scales, zeros, y, rowStride, columnStride, rows)
}

// @ts-ignore: decorator
@inline function directTile(columns: i32, a: usize, units: i32, groupUnits: i32, panel: usize, scales: usize, zeros: usize, y: usize, rowStride: usize, columnStride: usize, rows: i32): void {
  if (columns == 6) directBySix(a, units, groupUnits, panel, scales, zeros, y, rowStride, columnStride, rows)
  else if (columns == 5) directByFive(a, units, groupUnits, panel, scales, zeros, y, rowStride, columnStride, rows)
  else if (columns == 4) directByFour(a, units, groupUnits, panel, scales, zeros, y, rowStride, columnStride, rows)
  else if (columns == 3) directByThree(a, units, groupUnits, panel, scales, zeros, y, rowStride, columnStride, rows)
  else if (columns == 2) directByTwo(a, units, groupUnits, panel, scales, zeros, y, rowStride, columnStride, rows)
  else directByOne(a, units, groupUnits, panel, scales, zeros, y, rowStride, columnStride, rows)
}

/**
 * Stores the lanes of one 32-bit relaxed dot product whose second operand is out of range: what it does there tells how the
 * processor does it (packages/core/src/gemm/i8/dot.ts).
 */
export function probeDot(target: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const weights = i8x16.splat(load<i8>(target))
    const x = i8x16.splat(load<i8>(target, 1))
    v128.store(target, i32x4.relaxed_dot_i8x16_i7x16_add_s(weights, x, i32x4.splat(0)))
  }
}
