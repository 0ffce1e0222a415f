import { type CompactBsr, type I8Values, i8BlockStarts, scaleGroups } from '@nnz/core'
import type { CompactWeights } from '../../problem.ts'
import { structureOf } from '../entries.ts'
import type { CompactForm } from './compact-packing.ts'
import { inOrder } from './values.ts'

/** A stream of i8 weights; its forms are described in kernels-wasm/assembly/spmm-i8, rows.ts and fours.ts. */
export interface I8Geometry {
  readonly windowRows: number
  readonly kBlocks: number
}

const WINDOW_ROWS = 512
const HEADER = 12
const ENTRIES = 4

/** How four entries of a row stand in a stream. */
interface Record {
  /** Bytes: the four weights, then what says where they are. */
  readonly bytes: number
  /** Writes where the entries are, `columns[i] - start` inside their K block, to u16 from `at` on. */
  readonly place: (
    target: Uint16Array,
    at: number,
    columns: Uint32Array,
    first: number,
    count: number,
    start: number,
  ) => void
}

/** Any four entries: four offsets of rows of X, 16 bytes for each column of the K block. */
const QUAD: Record = {
  bytes: 12,
  place(target, at, columns, first, count, start) {
    for (let i = 0; i < count; i++) target[at + i] = (columns[first + i] - start) << 4
  },
}

/** Four neighbours: the number of the four inside the K block. */
const FOUR: Record = {
  bytes: 6,
  place(target, at, columns, first, _count, start) {
    target[at] = (columns[first] - start) / ENTRIES
  },
}

/** The entries of one row in one K block. */
interface Run {
  readonly at: number
  readonly row: number
  readonly inWindow: number
  readonly first: number
  readonly count: number
  readonly block: number
}

/** i8 entries by row. */
interface I8Entries {
  readonly rowOffsets: Uint32Array
  readonly columnIndices: Uint32Array
  readonly values: Int8Array
}

/** Lays i8 weights out as single entries. */
export function layOutQuads(w: CompactWeights): CompactForm<I8Geometry> {
  const { rowOffsets, columnIndices, order } = structureOf(w)
  const { data } = w.values as I8Values
  return layOut(w, { rowOffsets, columnIndices, values: inOrder(data, order) }, QUAD)
}

/** Lays i8 weights out in fours of neighbours: blocks are a multiple of four columns wide. */
export function layOutFours(w: CompactBsr): CompactForm<I8Geometry> {
  const [m, k] = w.shape
  const [r, c] = w.blockShape
  const end = Math.ceil(k / ENTRIES) * ENTRIES
  const { data } = w.values as I8Values
  const rowOffsets = new Uint32Array(m + 1)
  const columnIndices = new Uint32Array(data.length)
  const values = new Int8Array(data.length)
  let at = 0
  for (let row = 0; row < m; row++) {
    const blockRow = Math.floor(row / r)
    for (let block = w.rowOffsets[blockRow]; block < w.rowOffsets[blockRow + 1]; block++) {
      const left = w.columnIndices[block] * c
      // Whole fours, the last one, too: what it has beyond the matrix is zero.
      for (let i = 0; i < Math.min(c, end - left); i++) {
        columnIndices[at] = left + i
        values[at++] = data[(block * r + (row % r)) * c + i]
      }
    }
    rowOffsets[row + 1] = at
  }
  return layOut(w, { rowOffsets, columnIndices, values }, FOUR)
}

/** Rows by falling count inside a (window, K block), so that loop exits are predicted. */
function layOut(w: CompactWeights, entries: I8Entries, record: Record): CompactForm<I8Geometry> {
  const [m, k] = w.shape
  const { rowOffsets, columnIndices, values } = entries
  const { scales, groupColumns } = w.values as I8Values
  const starts = i8BlockStarts(k, groupColumns)
  const kBlocks = starts.length - 1
  const windows = Math.ceil(m / WINDOW_ROWS)
  const segments = new Uint32Array(windows * kBlocks + 1)
  const next = rowOffsets.slice(0, m)
  const runs: Run[] = []
  let at = 0
  for (let window = 0; window < windows; window++) {
    const top = window * WINDOW_ROWS
    const rows = Math.min(WINDOW_ROWS, m - top)
    for (let block = 0; block < kBlocks; block++) {
      segments[window * kBlocks + block] = at
      const counts = Uint32Array.from({ length: rows }, (_, row) => {
        let i = next[top + row]
        const limit = block === kBlocks - 1 ? Number.POSITIVE_INFINITY : starts[block + 1]
        while (i < rowOffsets[top + row + 1] && columnIndices[i] < limit) i++
        return i - next[top + row]
      })
      const sorted = Uint32Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a] || a - b)
      // The first block writes every row and the last one, too: sums start and end there.
      const all = block === 0 || block === kBlocks - 1
      for (const inWindow of sorted) {
        const count = counts[inWindow]
        if (count === 0 && !all) break
        const row = top + inWindow
        runs.push({ at, row, inWindow, first: next[row], count, block })
        at += HEADER + Math.ceil(count / ENTRIES) * record.bytes
        next[row] += count
      }
    }
  }
  segments[segments.length - 1] = at
  const groups = scaleGroups(k, groupColumns)
  return {
    bytes: at,
    geometry: { windowRows: WINDOW_ROWS, kBlocks },
    tables: [segments, starts],
    write(target) {
      const { buffer, byteOffset } = target
      const bytes = new Int8Array(buffer, byteOffset, at)
      const view = new DataView(buffer, byteOffset, at)
      bytes.fill(0)
      for (const run of runs) {
        const start = starts[run.block]
        let sum = 0
        for (let i = 0; i < run.count; i += ENTRIES) {
          const to = run.at + HEADER + (i / ENTRIES) * record.bytes
          const first = run.first + i
          const count = Math.min(ENTRIES, run.count - i)
          for (let j = 0; j < count; j++) {
            bytes[to + j] = values[first + j]
            sum += values[first + j]
          }
          record.place(target, (to + ENTRIES) >> 1, columnIndices, first, count, start)
        }
        const scale = scales[run.row * groups + Math.min(groups - 1, Math.floor(start / groupColumns))]
        view.setUint32(run.at, run.inWindow | (Math.ceil(run.count / ENTRIES) << 16), true)
        view.setFloat32(run.at + 4, scale, true)
        view.setInt32(run.at + 8, sum, true)
      }
    },
  }
}
