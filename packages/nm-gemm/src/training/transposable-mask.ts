import type { Tensor } from '@nnz/core'
import { type DenseMatrix, expectFinite, rowMajor } from './matrix.ts'

/** The pairs of columns that a row can keep, as bits. The complement of pair p is pair 5 - p. */
const PAIRS = [0b0011, 0b0101, 0b1001, 0b0110, 0b1010, 0b1100]

/** A way to fill two rows and the two others: the column that the first two both keep, and the one that they both leave. */
interface Mixed {
  /** The two pairs of rows 0 and 1, in either order. */
  readonly upper: readonly [number, number]
  /** The two pairs of rows 2 and 3, in either order. */
  readonly lower: readonly [number, number]
}

const MIXED: readonly Mixed[] = [0, 1, 2, 3].flatMap((both) =>
  [0, 1, 2, 3]
    .filter((none) => none !== both)
    .map((none) => {
      const others = [0, 1, 2, 3].filter((column) => column !== both && column !== none)
      const pair = (a: number, b: number) => PAIRS.indexOf((1 << a) | (1 << b))
      return {
        upper: [pair(both, others[0]), pair(both, others[1])] as const,
        lower: [pair(none, others[0]), pair(none, others[1])] as const,
      }
    }),
)
/** The same as numbers in a row, for the loop over all blocks. */
const MIXED_PAIRS = Uint8Array.from(MIXED.flatMap(({ upper, lower }) => [...upper, ...lower]))

/**
 * The mask that is 2:4 along rows and along columns and keeps the most magnitude: in every 4x4 block the best of the 90
 * patterns with two ones in each row and column (arXiv 2404.01847). A weight under it can be multiplied packed, and its
 * transposed form, too. At the edges of a shape that is not a multiple of 4 missing elements count as zeros.
 *
 * The best pattern is found without trying all 90: rows 0 and 1 keep the same pair (the others its complement),
 * complementary pairs (so do the others, independently), or pairs that share one column (12 ways, in which each half
 * takes the better of two orders).
 *
 * @param w [rows, columns], any strides
 * @returns ones where elements are kept, row-major
 * @throws TypeError if w is not a matrix
 * @throws RangeError if an element is not finite
 */
export function transposableMask24(w: Tensor): Uint8Array<ArrayBuffer> {
  const matrix = rowMajor(w, 'transposableMask24: w')
  expectFinite(matrix, 'transposableMask24: w')
  const mask = new Uint8Array(matrix.rows * matrix.columns)
  const sums = new Float64Array(24)
  const best = new Uint8Array(4)
  for (let row = 0; row < matrix.rows; row += 4) {
    for (let column = 0; column < matrix.columns; column += 4) {
      pairSums(matrix, row, column, sums)
      choose(sums, best)
      mark(mask, matrix, row, column, best)
    }
  }
  return mask
}

/** What each row of a block keeps with each pair: row r with pair p at `6 r + p`. */
function pairSums({ rows, columns, data }: DenseMatrix, top: number, left: number, sums: Float64Array): void {
  for (let r = 0; r < 4; r++) {
    const inside = top + r < rows
    const at = (top + r) * columns + left
    const a = inside ? Math.abs(data[at]) : 0
    const b = inside && left + 1 < columns ? Math.abs(data[at + 1]) : 0
    const c = inside && left + 2 < columns ? Math.abs(data[at + 2]) : 0
    const d = inside && left + 3 < columns ? Math.abs(data[at + 3]) : 0
    sums[6 * r] = a + b
    sums[6 * r + 1] = a + c
    sums[6 * r + 2] = a + d
    sums[6 * r + 3] = b + c
    sums[6 * r + 4] = b + d
    sums[6 * r + 5] = c + d
  }
}

/** Writes the pair of each row of the best pattern. */
function choose(sums: Float64Array, best: Uint8Array): void {
  let most = -1
  let upper = 0
  let lower = 0
  let mostUpper = -1
  let mostLower = -1
  for (let p = 0; p < 6; p++) {
    const same = sums[p] + sums[6 + p] + sums[17 - p] + sums[23 - p]
    if (same > most) {
      most = same
      best[0] = best[1] = p
      best[2] = best[3] = 5 - p
    }
    const first = sums[p] + sums[11 - p]
    if (first > mostUpper) {
      mostUpper = first
      upper = p
    }
    const second = sums[12 + p] + sums[23 - p]
    if (second > mostLower) {
      mostLower = second
      lower = p
    }
  }
  if (mostUpper + mostLower > most) {
    most = mostUpper + mostLower
    best[0] = upper
    best[1] = 5 - upper
    best[2] = lower
    best[3] = 5 - lower
  }
  for (let i = 0; i < MIXED_PAIRS.length; i += 4) {
    const a = MIXED_PAIRS[i]
    const b = MIXED_PAIRS[i + 1]
    const c = MIXED_PAIRS[i + 2]
    const d = MIXED_PAIRS[i + 3]
    const ab = sums[a] + sums[6 + b]
    const ba = sums[b] + sums[6 + a]
    const cd = sums[12 + c] + sums[18 + d]
    const dc = sums[12 + d] + sums[18 + c]
    const sum = Math.max(ab, ba) + Math.max(cd, dc)
    if (sum > most) {
      most = sum
      best[0] = ab >= ba ? a : b
      best[1] = ab >= ba ? b : a
      best[2] = cd >= dc ? c : d
      best[3] = cd >= dc ? d : c
    }
  }
}

function mark(mask: Uint8Array, { rows, columns }: DenseMatrix, top: number, left: number, best: Uint8Array): void {
  const height = Math.min(4, rows - top)
  const width = Math.min(4, columns - left)
  for (let r = 0; r < height; r++) {
    const bits = PAIRS[best[r]]
    const at = (top + r) * columns + left
    for (let c = 0; c < width; c++) mask[at + c] = (bits >> c) & 1
  }
}
