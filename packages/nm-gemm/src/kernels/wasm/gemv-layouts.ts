import type { PackedForm } from '@nnz/core'
import type { RegularRows } from '../regular-rows.ts'

/** Rows of a unit of work, and columns of a group, of the microkernel `nmGemvSwizzle`. */
export const EIGHT = 8
const FOUR = 4

/** Vectors of values whose columns are one vector of bits. */
const BLOCK = 16

/** Entries of a row in four columns where that is one or two in every group of four, else 0. */
export function entriesOfFour({ n, m }: { readonly n: number; readonly m: number }): number {
  const each = FOUR % m === 0 ? (n * FOUR) / m : 0
  return each <= 2 ? each : 0
}

/** What the microkernel `nmGemvSwizzle` gets beside addresses. */
export interface SwizzleGeometry {
  readonly entries: number
  /** Blocks of eight rows. */
  readonly blocks: number
  /** Groups of four columns, zeros behind x included: with one entry an even number, since two are multiplied at once. */
  readonly groups: number
  /** Bytes of the values, which the bits of the columns follow. */
  readonly valueBytes: number
}

/** The seven vectors that the microkernel keeps in registers. */
function constants(): Uint32Array {
  const spread = [0, 1, 2, 3].flatMap((i) => [0, 1, 2, 3].map((lane) => (4 * i + lane) * 0x01010101))
  return Uint32Array.of(
    ...new Array(4).fill(0x0c0c0c0c),
    ...new Array(4).fill(0x03020100),
    ...spread,
    ...new Array(4).fill(0x77800000),
  )
}

/**
 * Eight rows at once, by groups of four columns; the form is described in kernels-wasm/assembly/nm-gemm/gemv.ts.
 *
 * @param numbers the values as they are stored, in canonical order: f32, or the bits of f16 or bf16
 */
export function layOutSwizzle(
  { shape: [m, k], pattern, entries, columns }: Omit<RegularRows, 'values'>,
  numbers: Float32Array | Uint16Array,
): PackedForm<SwizzleGeometry> {
  const each = entriesOfFour(pattern)
  const groups = each === 1 ? 2 * Math.ceil(k / (2 * FOUR)) : Math.ceil(k / FOUR)
  const eights = Math.ceil(m / EIGHT)
  const blocks = Math.ceil((groups * each * 2) / BLOCK)
  const slots = (blocks * BLOCK) / 2
  const size = numbers.BYTES_PER_ELEMENT
  const valueBytes = eights * slots * EIGHT * size
  return {
    bytes: valueBytes + eights * blocks * 16,
    geometry: { entries: each, blocks, groups, valueBytes },
    tables: [constants()],
    get valuePositions() {
      const positions = new Uint32Array(numbers.length)
      for (let row = 0, at = 0; row < m; row++) {
        const start = ((row >> 3) * slots * EIGHT + (row & 7)) * size
        for (let i = 0; i < entries; i++) positions[at++] = start + i * EIGHT * size
      }
      return positions
    },
    write({ buffer, byteOffset }) {
      const length = eights * slots * EIGHT
      const target =
        size === 4 ? new Float32Array(buffer, byteOffset, length) : new Uint16Array(buffer, byteOffset, length)
      const bits = new Uint8Array(buffer, byteOffset + valueBytes, eights * blocks * 16)
      target.fill(0)
      bits.fill(0)
      for (let row = 0, at = 0; row < m; row++) {
        const start = (row >> 3) * slots
        const lane = row & 3
        const slice = (row & 7) >> 2
        // A last group of fewer columns may have fewer entries: what is missing is a zero times one of the zeros behind x.
        for (let i = 0; i < slots; i++) {
          const column = i < entries ? columns[at] & 3 : k & 3
          if (i < entries) target[(start + i) * EIGHT + (row & 7)] = numbers[at++]
          const vector = (i * 2 + slice) % BLOCK
          bits[((start + i) >> 3) * 16 + 4 * (vector & 3) + lane] |= column << (2 * (vector >> 2))
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
