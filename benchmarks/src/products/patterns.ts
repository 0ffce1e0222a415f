import { type Bsr, bsr, type Csr, csr } from '@nnz/core'
import { type Random, random, seededValues } from '../random.ts'

/** The matrix that a seeded pattern is drawn for. */
export interface PatternOptions {
  readonly m: number
  readonly k: number
  /** Share of zeros, 0..1. The number of kept elements, or blocks, is exact: rounded to the nearest whole number. */
  readonly sparsity: number
  readonly seed: number
}

/** Standard deviation of the logarithm of a row's density in {@link unevenCsr}: the densest twentieth has 5 times the median. */
const ROW_DENSITY_SIGMA = 1

/** Non-zeros spread over the whole matrix, every set of that size being equally likely. */
export function uniformCsr({ m, k, sparsity, seed }: PatternOptions): Csr {
  const nnz = keptCount(m * k, sparsity)
  const { rowOffsets, columnIndices } = pickUniform(m, k, nnz, random(seed, 'pattern'))
  return csr({ shape: [m, k], rowOffsets, columnIndices, values: seededValues(nnz, seed) })
}

/** Rows whose densities follow a log-normal distribution, clipped to full rows and scaled to the exact number of non-zeros. */
export function unevenCsr({ m, k, sparsity, seed }: PatternOptions): Csr {
  const nnz = keptCount(m * k, sparsity)
  const next = random(seed, 'pattern')
  const counts = unevenCounts(m, k, nnz, next)
  const rowOffsets = new Uint32Array(m + 1)
  const columnIndices = new Uint32Array(nnz)
  for (let row = 0; row < m; row++) {
    rowOffsets[row + 1] = rowOffsets[row] + counts[row]
    pick(k, { cells: k, wanted: counts[row] }, next, columnIndices, rowOffsets[row])
  }
  return csr({ shape: [m, k], rowOffsets, columnIndices, values: seededValues(nnz, seed) })
}

/** Whole blocks of r x c, spread over the matrix, every set of that size being equally likely. Throws RangeError where blocks do not fit. */
export function blockBsr({
  m,
  k,
  sparsity,
  seed,
  blockShape,
}: PatternOptions & { blockShape: readonly [number, number] }): Bsr {
  const [r, c] = blockShape
  if (m % r !== 0 || k % c !== 0) throw new RangeError(`expected a shape of whole blocks of ${r}x${c}, got ${m}x${k}`)
  const blocks = keptCount((m / r) * (k / c), sparsity)
  const { rowOffsets, columnIndices } = pickUniform(m / r, k / c, blocks, random(seed, 'pattern'))
  return bsr({ shape: [m, k], blockShape, rowOffsets, columnIndices, values: seededValues(blocks * r * c, seed) })
}

/** Keeps the elements of largest magnitude, of equal ones the first. Exact zeros are never kept. */
export function pruneByMagnitude(dense: Float32Array, shape: readonly [number, number], sparsity: number): Csr {
  const count = keptCount(dense.length, sparsity)
  const sorted = dense.map(Math.abs).sort()
  const threshold = count > 0 ? sorted[sorted.length - count] : Number.POSITIVE_INFINITY
  let ties = 0
  for (let i = sorted.length - count; i < sorted.length && sorted[i] === threshold; i++) ties++
  const keptValues = dense.map((value) => {
    const magnitude = Math.abs(value)
    return magnitude > threshold || (magnitude === threshold && ties-- > 0) ? value : 0
  })
  return csr.fromDense(keptValues, shape)
}

function keptCount(size: number, sparsity: number): number {
  if (!(sparsity >= 0 && sparsity <= 1)) throw new RangeError(`expected a sparsity in 0..1, got ${sparsity}`)
  return Math.round(size * (1 - sparsity))
}

/** How many cells are still to be looked at, and how many of them to be picked. */
interface Remaining {
  cells: number
  wanted: number
}

function pickUniform(
  rows: number,
  columns: number,
  wanted: number,
  next: Random,
): { rowOffsets: Uint32Array; columnIndices: Uint32Array } {
  const rowOffsets = new Uint32Array(rows + 1)
  const columnIndices = new Uint32Array(wanted)
  const remaining = { cells: rows * columns, wanted }
  for (let row = 0; row < rows; row++) {
    rowOffsets[row + 1] = rowOffsets[row] + pick(columns, remaining, next, columnIndices, rowOffsets[row])
  }
  return { rowOffsets, columnIndices }
}

/**
 * Walks over one row and picks each cell with probability wanted / cells of what remains (selection sampling, Knuth,
 * The Art of Computer Programming, volume 2, 3.4.2, algorithm S): sorted, and exactly `wanted` in the end.
 *
 * @returns how many columns were written to `target`, from `at` on.
 */
function pick(columns: number, remaining: Remaining, next: Random, target: Uint32Array, at: number): number {
  let { cells, wanted } = remaining
  const start = at
  for (let column = 0; column < columns && wanted > 0; column++, cells--) {
    target[at] = column
    const hit = (next() >>> 0) * cells < wanted * 2 ** 32 ? 1 : 0
    at += hit
    wanted -= hit
  }
  remaining.cells = cells
  remaining.wanted = wanted
  return at - start
}

/** Whole counts in 0..columns that add up to `total`, in proportion to log-normal weights. */
function unevenCounts(rows: number, columns: number, total: number, next: Random): Uint32Array {
  const weights = Float64Array.from({ length: rows }, () => Math.exp(ROW_DENSITY_SIGMA * normal(next)))
  const scaled = (scale: number): number => weights.reduce((sum, weight) => sum + Math.min(columns, scale * weight), 0)
  let low = 0
  let high = 1
  while (scaled(high) < total && high < 2 ** 60) high *= 2
  for (let i = 0; i < 64; i++) {
    const middle = (low + high) / 2
    if (scaled(middle) < total) low = middle
    else high = middle
  }
  // Rounding the running sum, not each count, makes the counts add up exactly.
  const counts = new Uint32Array(rows)
  let exact = 0
  let given = 0
  for (let row = 0; row < rows; row++) {
    exact += Math.min(columns, high * weights[row])
    const upTo = row === rows - 1 ? total : Math.min(total, Math.round(exact))
    counts[row] = Math.min(columns, upTo - given)
    given += counts[row]
  }
  return counts
}

/** Close to the standard normal distribution: the sum of twelve uniform numbers, the same bits on every platform. */
function normal(next: Random): number {
  let sum = 0
  for (let i = 0; i < 12; i++) sum += next() / 2 ** 32
  return sum
}
