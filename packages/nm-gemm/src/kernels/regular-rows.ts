import { type NmgPattern, nm, nmg, rowEntries } from '@nnz/core'
import type { AnyNmWeights, NmWeights } from '../problem.ts'

/** Weights with as many entries in every row. */
export interface RegularRows {
  readonly shape: readonly [rows: number, columns: number]
  readonly pattern: Readonly<NmgPattern>
  /** Entries of each row. */
  readonly entries: number
  /** Column of each entry, rising inside a row. */
  readonly columns: Uint32Array
  readonly values: Float32Array
}

/** The column of each stored value, row by row, and how many a row has. */
export function columnsOf(w: AnyNmWeights): { readonly columns: Uint32Array; readonly entries: number } {
  return { columns: w.layout === 'nm' ? nm.columnIndices(w) : nmg.columnIndices(w), entries: rowEntries(w) }
}

/** The entries of weights, row by row. */
export function regularRows(w: NmWeights): RegularRows {
  const { shape, n, m, g, values } = w
  return { shape, pattern: { n, m, g }, values, ...columnsOf(w) }
}

/** How weights are cut into windows of rows and blocks of columns. */
export interface Cut {
  /** Rows of a window: its stream stays in L2 while all panels pass. Whole groups of g rows, unless those are larger. */
  readonly windowRows: number
  /** Columns of a K block: its rows of an X panel stay in L1. A whole number of groups. */
  readonly kBlock: number
  readonly windows: number
  readonly kBlocks: number
  /** Entries of a row in each K block but the last, which has the rest. */
  readonly blockEntries: number
}

const WINDOW_BYTES = 262144
const MOST_ROWS = 512
const LEAST_ROWS = 64

/** Cuts weights into K blocks of about `columns` columns. */
export function cutRows({ shape: [m, k], pattern: { n, m: group, g }, entries }: RegularRows, columns: number): Cut {
  const kBlock = Math.ceil(columns / group) * group
  const wanted = Math.min(MOST_ROWS, Math.max(LEAST_ROWS, WINDOW_BYTES / (6 * Math.max(1, entries))))
  const windowRows = g > wanted ? 2 * Math.round(wanted / 2) : g * Math.round(wanted / g)
  return {
    windowRows,
    kBlock,
    windows: Math.ceil(m / windowRows),
    kBlocks: Math.max(1, Math.ceil(k / kBlock)),
    blockEntries: (kBlock / group) * n,
  }
}
