import type { PackedForm } from '@nnz/core'
import type { Structure } from '../entries.ts'

/** Columns of a K block: byte offsets, that of the zero behind the block included, fit into 16 bits. */
export const SELL_BLOCK = 16380
/** Rows are sorted by count among so many: padding stays small and y near. */
const SORT_ROWS = 64
const LANES = 4

/** Rows interleaved by four; the form is described in kernels-wasm/assembly/spmm/sell.ts. */
export interface SellGeometry {
  readonly slices: number
  readonly kBlocks: number
  readonly kBlock: number
  /** Bytes of each slice over all K blocks: what threads divide by. */
  readonly sliceBytes: Uint32Array
}

function sortedRows({ rowOffsets }: Structure, m: number): Uint32Array {
  const rows = Uint32Array.from({ length: m }, (_, row) => row)
  const count = (row: number) => rowOffsets[row + 1] - rowOffsets[row]
  for (let top = 0; top < m; top += SORT_ROWS)
    rows.subarray(top, top + SORT_ROWS).sort((a, b) => count(b) - count(a) || a - b)
  return rows
}

/** Lays entries out in slices of four rows; `bits` are those of their values, of f32 or of 16 bits. */
export function layOutSell(
  entries: Structure,
  bits: Uint32Array | Uint16Array,
  m: number,
  k: number,
): PackedForm<SellGeometry> {
  const { rowOffsets, columnIndices } = entries
  const valueBytes = bits.BYTES_PER_ELEMENT
  // Four values and four offsets.
  const stepBytes = 4 * valueBytes + 8
  const kBlock = Math.min(SELL_BLOCK, Math.ceil(k / 4) * 4)
  const kBlocks = Math.max(1, Math.ceil(k / SELL_BLOCK))
  const sorted = sortedRows(entries, m)
  const slices = Math.ceil(m / LANES)
  const rows = new Uint32Array(slices * LANES)
  for (let i = 0; i < rows.length; i++) rows[i] = sorted[Math.min(i, m - 1)]
  const offsets = new Uint32Array(kBlocks * slices + 1)
  const sliceBytes = new Uint32Array(slices)
  const valuePositions = new Uint32Array(bits.length)
  const next = rowOffsets.slice(0, m)
  let at = 0
  for (let block = 0; block < kBlocks; block++) {
    const limit = (block + 1) * SELL_BLOCK
    for (let slice = 0; slice < slices; slice++) {
      offsets[block * slices + slice] = at
      let steps = 0
      for (let lane = 0; lane < LANES && slice * LANES + lane < m; lane++) {
        const row = rows[slice * LANES + lane]
        let i = next[row]
        const end = rowOffsets[row + 1]
        for (let step = 0; i < end && columnIndices[i] < limit; i++, step++) {
          valuePositions[i] = at + step * stepBytes + lane * valueBytes
          if (step >= steps) steps = step + 1
        }
        next[row] = i
      }
      at += steps * stepBytes
      sliceBytes[slice] += steps * stepBytes
    }
  }
  offsets[offsets.length - 1] = at
  return {
    bytes: at,
    geometry: { slices, kBlocks, kBlock, sliceBytes },
    tables: [offsets, rows],
    valuePositions,
    write(target) {
      // Padding: the value 0 and the offset of the zero behind the block.
      const halves = stepBytes >> 1
      for (let from = 0; from < at >> 1; from += halves) {
        target.fill(0, from, from + halves - 4)
        target.fill(kBlock * 4, from + halves - 4, from + halves)
      }
      for (let i = 0; i < columnIndices.length; i++) {
        const position = valuePositions[i] >> 1
        target[position] = bits[i]
        if (valueBytes === 4) target[position + 1] = bits[i] >>> 16
        const step = Math.floor(valuePositions[i] / stepBytes)
        const lane = (valuePositions[i] - step * stepBytes) / valueBytes
        target[(step + 1) * halves - 4 + lane] = (columnIndices[i] % SELL_BLOCK) * 4
      }
    },
  }
}
