import { type I8Values, scaleGroups } from '@nnz/core'
import type { CompactWeights } from '../../problem.ts'
import { structureOf } from '../entries.ts'
import type { CompactForm } from './compact-packing.ts'
import { inOrder } from './values.ts'

/** A stream of i8 weights; its form is described in kernels-wasm/assembly/spmm/i8-rows.ts. */
export interface I8Geometry {
  readonly windowRows: number
  readonly kBlocks: number
}

const WINDOW_ROWS = 512
const HEADER = 12
/** Four weights and four offsets. */
const QUAD = 12
const ENTRIES = 4
/** Columns of a K block, whose 32 bytes each of X stay in L1. */
const BLOCK_COLUMNS = 768

/** First column of each K block, and the end: groups that share a scale are not mixed. */
function blockStarts(k: number, groupColumns: number): Uint32Array {
  const starts: number[] = []
  for (let group = 0; group < Math.max(1, k); group += groupColumns) {
    const columns = Math.min(groupColumns, k - group)
    const blocks = Math.max(1, Math.ceil(columns / BLOCK_COLUMNS))
    for (let block = 0; block < blocks; block++) starts.push(group + Math.floor((block * columns) / blocks))
  }
  return Uint32Array.from([...starts, k])
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

/** Lays i8 weights out: rows by falling count inside a (window, K block), so that loop exits are predicted. */
export function layOutI8(w: CompactWeights): CompactForm<I8Geometry> {
  const [m, k] = w.shape
  const { data, scales, groupColumns } = w.values as I8Values
  const { rowOffsets, columnIndices, order } = structureOf(w)
  const values = inOrder(data, order)
  const starts = blockStarts(k, groupColumns)
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
        while (i < rowOffsets[top + row + 1] && columnIndices[i] < starts[block + 1]) i++
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
        at += HEADER + Math.ceil(count / ENTRIES) * QUAD
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
      const words = new Int32Array(buffer, byteOffset, at >> 2)
      const floats = new Float32Array(buffer, byteOffset, at >> 2)
      bytes.fill(0)
      for (const run of runs) {
        const word = run.at >> 2
        const start = starts[run.block]
        let sum = 0
        for (let i = 0; i < run.count; i++) {
          const quad = run.at + HEADER + Math.floor(i / ENTRIES) * QUAD
          const entry = run.first + i
          bytes[quad + (i % ENTRIES)] = values[entry]
          target[((quad + ENTRIES) >> 1) + (i % ENTRIES)] = (columnIndices[entry] - start) << 4
          sum += values[entry]
        }
        words[word] = run.inWindow | (Math.ceil(run.count / ENTRIES) << 16)
        floats[word + 1] = scales[run.row * groups + Math.min(groups - 1, Math.floor(start / groupColumns))]
        words[word + 2] = sum
      }
    },
  }
}
