import type { PackedForm } from '@nnz/core'
import type { RegularRows } from '../regular-rows.ts'

/** Rows of a unit of work, and columns of a group, of the microkernel `nmGemvSwizzle`. */
export const EIGHT = 8
const FOUR = 4

/** Entries of a row in four columns, if all groups of four have as many, else 0. */
export function entriesOfFour({ n, m }: { readonly n: number; readonly m: number }): number {
  return FOUR % m === 0 ? (n * FOUR) / m : 0
}

/** What the microkernel `nmGemvSwizzle` gets beside addresses. */
export interface SwizzleGeometry {
  readonly entries: number
  readonly groups: number
  /** Bytes of the values, which the columns follow. */
  readonly valueBytes: number
}

/** For every byte, four columns of two bits: the indices of the bytes of those elements of a vector. */
function swizzleTable(): Uint32Array {
  return Uint32Array.from({ length: 1024 }, (_, i) => 0x03020100 + 0x04040404 * (((i >> 2) >> (2 * (i & 3))) & 3))
}

/** Eight rows at once, by groups of four columns; the form is described in kernels-wasm/assembly/nm-gemm/gemv.ts. */
export function layOutSwizzle({
  shape: [m, k],
  pattern,
  entries,
  columns,
  values,
}: RegularRows): PackedForm<SwizzleGeometry> {
  const each = entriesOfFour(pattern)
  const groups = Math.ceil(k / FOUR)
  const eights = Math.ceil(m / EIGHT)
  const valueBytes = eights * groups * each * EIGHT * 4
  /** Number of the place, of one entry in eight rows, of entry i of a row. */
  const place = (row: number, i: number) => ((row >> 3) * groups + Math.floor(i / each)) * each + (i % each)
  return {
    bytes: valueBytes + eights * groups * each * 2,
    geometry: { entries: each, groups, valueBytes },
    tables: [swizzleTable()],
    get valuePositions() {
      return Uint32Array.from(values, (_, at) => {
        const row = Math.floor(at / entries)
        return place(row, at % entries) * 32 + (row & 7) * 4
      })
    },
    write(halves) {
      const floats = new Float32Array(halves.buffer, halves.byteOffset, valueBytes >> 2)
      const bytes = new Uint8Array(halves.buffer, halves.byteOffset + valueBytes, eights * groups * each * 2)
      floats.fill(0)
      bytes.fill(0)
      for (let row = 0, at = 0; row < m; row++) {
        // A last group of fewer columns may have fewer entries: what is missing is a zero times one of the zeros behind x.
        for (let i = 0; i < groups * each; i++) {
          const column = i < entries ? columns[at] & 3 : k & 3
          const to = place(row, i)
          if (i < entries) floats[to * EIGHT + (row & 7)] = values[at++]
          bytes[to * 2 + ((row & 7) >> 2)] |= column << (2 * (row & 3))
        }
      }
    },
  }
}

/** Four rows at once, each entry with the offset of its column; the form is described in kernels-wasm/assembly/lib/gather.ts. */
export function layOutGather({
  shape: [m],
  entries,
  columns,
  values,
}: RegularRows): PackedForm<{ readonly steps: number }> {
  const STEP = 24
  const start = (at: number) => {
    const row = Math.floor(at / entries)
    return { step: ((row >> 2) * entries + (at % entries)) * STEP, lane: row & 3 }
  }
  return {
    bytes: Math.ceil(m / 4) * entries * STEP,
    geometry: { steps: entries },
    tables: [],
    get valuePositions() {
      return Uint32Array.from(values, (_, at) => {
        const { step, lane } = start(at)
        return step + lane * 4
      })
    },
    write(halves) {
      const floats = new Float32Array(halves.buffer, halves.byteOffset, halves.length >> 1)
      halves.fill(0)
      for (let at = 0; at < values.length; at++) {
        const { step, lane } = start(at)
        floats[(step >> 2) + lane] = values[at]
        halves[(step >> 1) + 8 + lane] = columns[at] * 4
      }
    },
  }
}
