import { type I8Values, i8BlockStarts, type PackedForm, scaleGroups } from '@nnz/core'
import type { CompactNmWeights } from '../../problem.ts'
import { columnsOf } from '../regular-rows.ts'

/** How a stream of quads is cut; the microkernel gets the same numbers. */
export interface QuadGeometry {
  readonly windowRows: number
  readonly kBlocks: number
}

const WINDOW_ROWS = 512
const HEADER = 12
/** Four weights and four offsets. */
const QUAD = 12
/** Lays i8 weights out as rows of quads; the form is described in kernels-wasm/assembly/spmm-i8/rows.ts. */
export function layOutQuads(w: CompactNmWeights): PackedForm<QuadGeometry> {
  const [m, k] = w.shape
  const { data, scales, groupColumns } = w.values as I8Values
  const { columns, entries } = columnsOf(w)
  const starts = i8BlockStarts(k, groupColumns)
  const kBlocks = starts.length - 1
  const windows = Math.ceil(m / WINDOW_ROWS)
  const segments = new Uint32Array(windows * kBlocks + 1)
  /** Entry at which the rows begin in each K block, row by row, and the end. */
  const firsts = new Uint32Array(m * (kBlocks + 1))
  for (let row = 0; row < m; row++) {
    let at = row * entries
    for (let block = 0; block <= kBlocks; block++) {
      while (at < (row + 1) * entries && columns[at] < starts[block]) at++
      firsts[row * (kBlocks + 1) + block] = at
    }
  }
  const countOf = (row: number, block: number) => {
    const from = row * (kBlocks + 1) + block
    return firsts[from + 1] - firsts[from]
  }
  let bytes = 0
  for (let window = 0; window < windows; window++) {
    for (let block = 0; block < kBlocks; block++) {
      segments[window * kBlocks + block] = bytes
      for (let row = window * WINDOW_ROWS; row < Math.min(m, (window + 1) * WINDOW_ROWS); row++)
        bytes += HEADER + Math.ceil(countOf(row, block) / 4) * QUAD
    }
  }
  segments[segments.length - 1] = bytes
  const groups = scaleGroups(k, groupColumns)
  return {
    bytes,
    geometry: { windowRows: WINDOW_ROWS, kBlocks },
    tables: [segments, starts],
    get valuePositions(): Uint32Array {
      throw new Error('i8 values are laid out again where they change')
    },
    write(halves) {
      const { buffer, byteOffset } = halves
      const numbers = new Int8Array(buffer, byteOffset, bytes)
      const words = new Int32Array(buffer, byteOffset, bytes >> 2)
      const floats = new Float32Array(buffer, byteOffset, bytes >> 2)
      numbers.fill(0)
      let at = 0
      for (let window = 0; window < windows; window++) {
        for (let block = 0; block < kBlocks; block++) {
          const group = Math.min(groups - 1, Math.floor(starts[block] / groupColumns))
          for (let row = window * WINDOW_ROWS; row < Math.min(m, (window + 1) * WINDOW_ROWS); row++) {
            const first = firsts[row * (kBlocks + 1) + block]
            const count = countOf(row, block)
            let sum = 0
            for (let i = 0; i < count; i++) {
              const quad = at + HEADER + (i >> 2) * QUAD
              numbers[quad + (i & 3)] = data[first + i]
              halves[((quad + 4) >> 1) + (i & 3)] = (columns[first + i] - starts[block]) << 4
              sum += data[first + i]
            }
            words[at >> 2] = (row % WINDOW_ROWS) | (Math.ceil(count / 4) << 16)
            floats[(at >> 2) + 1] = scales[row * groups + group]
            words[(at >> 2) + 2] = sum
            at += HEADER + Math.ceil(count / 4) * QUAD
          }
        }
      }
    },
  }
}
