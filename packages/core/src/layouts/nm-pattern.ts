// What nm and nmg have in common: which columns the rows keep, as packed indices.
import { describe, rangeError, typeError } from '../errors.ts'
import { checkLength } from './checks.ts'

/** In every group of m neighbouring columns n are kept. */
export interface NmPattern {
  n: number
  m: number
}

/** The same n of m columns in g neighbouring rows. */
export interface NmgPattern extends NmPattern {
  g: number
}

/** What fixes the number of entries. */
export interface NmGeometry extends NmgPattern {
  readonly shape: readonly [rows: number, columns: number]
}

const LARGEST_GROUP = 32

function expectWhole(value: unknown, least: number, most: number, what: string, name: string): void {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw rangeError(
      'NNZ_VALUE',
      `${name}: expected ${what} to be a whole number in ${least}..${most}, got ${describe(value)}`,
    )
  }
}

/** Checks n and m, and g where there is one. */
export function expectPattern(pattern: unknown, name: string): NmgPattern {
  if (typeof pattern !== 'object' || pattern === null)
    throw typeError('NNZ_TYPE', `${name}: expected a pattern such as { n: 2, m: 4 }, got ${describe(pattern)}`)
  const { n, m, g = 1 } = pattern as NmgPattern
  expectWhole(m, 1, LARGEST_GROUP, 'm', name)
  expectWhole(n, 1, m, 'n', name)
  expectWhole(g, 1, 2 ** 31, 'g', name)
  return { n, m, g }
}

/** Entries of each row: n of every whole group, and of a last group of r < m columns min(n, r). */
export function rowEntries({ shape: [, columns], n, m }: NmGeometry): number {
  return Math.floor(columns / m) * n + Math.min(n, columns % m)
}

/** Rows with a pattern of their own. */
export function patternRows({ shape: [rows], g }: NmGeometry): number {
  return Math.ceil(rows / g)
}

/** Bits of an index inside a group: 0 for m = 1, 2 for m = 4, 5 for m = 32. */
export function indexBits(m: number): number {
  return 32 - Math.clz32(m - 1)
}

/** Bytes of the packed indices. */
export function indexBytes(geometry: NmGeometry): number {
  return Math.ceil((patternRows(geometry) * rowEntries(geometry) * indexBits(geometry.m)) / 8)
}

/** The columns of each row with a pattern of its own, rising inside a row, as packed indices: inside their group, low bits first. */
export function packColumns(columns: Uint32Array, geometry: NmGeometry): Uint8Array {
  const { m } = geometry
  const bits = indexBits(m)
  const packed = new Uint8Array(indexBytes(geometry))
  for (let i = 0, at = 0; i < columns.length; i++, at += bits) {
    const index = (columns[i] % m) << (at & 7)
    packed[at >> 3] |= index
    if (index > 255) packed[(at >> 3) + 1] |= index >> 8
  }
  return packed
}

/** The columns of each row with a pattern of its own: the opposite of {@link packColumns}. */
export function unpackColumns(indices: Uint8Array, geometry: NmGeometry): Uint32Array {
  const { n, m } = geometry
  const bits = indexBits(m)
  const entries = rowEntries(geometry)
  const columns = new Uint32Array(patternRows(geometry) * entries)
  const mask = 2 ** bits - 1
  for (let i = 0, at = 0, entry = 0; i < columns.length; i++, at += bits) {
    const index = ((indices[at >> 3] | (indices[(at >> 3) + 1] << 8)) >> (at & 7)) & mask
    columns[i] = Math.floor(entry / n) * m + index
    if (++entry === entries) entry = 0
  }
  return columns
}

/** Checks that indices rise inside each group and stay inside the matrix. */
export function checkIndices(indices: Uint8Array, geometry: NmGeometry, name: string): void {
  checkLength(indices, indexBytes(geometry), name)
  const { shape, n, m, g } = geometry
  const entries = rowEntries(geometry)
  const columns = unpackColumns(indices, geometry)
  for (let i = 0; i < columns.length; i++) {
    const entry = i % entries
    const group = Math.floor(entry / n)
    const end = Math.min((group + 1) * m, shape[1])
    if (columns[i] < end && (entry % n === 0 || columns[i] > columns[i - 1])) continue
    const row = Math.floor(i / entries) * g
    throw rangeError(
      'NNZ_LAYOUT',
      `${name}: row ${row}, columns ${group * m}..${end - 1}: expected rising columns, entry ${entry % n} of the group has ${columns[i]}`,
    )
  }
}

/** Marks, in `kept`, the columns `from..to` that the rows of pattern row `row` keep; each is 0 before. */
export type Keep = (row: number, from: number, to: number, kept: Uint8Array) => void

/**
 * Columns for a choice made group by group: where a group keeps fewer than n, its lowest free columns are taken too, so
 * that every group has as many entries.
 *
 * @throws RangeError that names the first group that keeps more than n
 */
export function chooseColumns(geometry: NmGeometry, keep: Keep, name: string): Uint32Array {
  const { shape, n, m, g } = geometry
  const entries = rowEntries(geometry)
  const columns = new Uint32Array(patternRows(geometry) * entries)
  const kept = new Uint8Array(m)
  for (let row = 0, at = 0; at < columns.length; row++) {
    for (let from = 0; from < shape[1]; from += m) {
      const width = Math.min(m, shape[1] - from)
      // For so few elements a loop is much faster than fill.
      for (let i = 0; i < m; i++) kept[i] = 0
      keep(row, from, from + width, kept)
      let free = Math.min(n, width)
      for (let i = 0; i < width; i++) free -= kept[i]
      if (free < 0) {
        const rows = g === 1 ? `row ${row}` : `rows ${row * g}..${Math.min(row * g + g, shape[0]) - 1}`
        throw rangeError(
          'NNZ_VALUE',
          `${name}: ${rows}, columns ${from}..${from + width - 1}: ${Math.min(n, width) - free} are kept, expected at most ${n} of ${m}`,
        )
      }
      for (let i = 0; i < width; i++) {
        if (kept[i] === 1 || free-- > 0) columns[at++] = from + i
      }
    }
  }
  return columns
}

/** The elements of a dense matrix in the columns of a pattern, row by row. */
export function gather(data: ArrayLike<number>, columns: Uint32Array, geometry: NmGeometry): Float32Array {
  const [rows, width] = geometry.shape
  const entries = rowEntries(geometry)
  const values = new Float32Array(rows * entries)
  for (let row = 0, at = 0; row < rows; row++) {
    const from = Math.floor(row / geometry.g) * entries
    for (let i = 0; i < entries; i++) values[at++] = data[row * width + columns[from + i]]
  }
  return values
}

/** The opposite of {@link gather}: everything else is 0. */
export function scatter(values: ArrayLike<number>, columns: Uint32Array, geometry: NmGeometry, to: Float32Array): void {
  const [rows, width] = geometry.shape
  const entries = rowEntries(geometry)
  for (let row = 0, at = 0; row < rows; row++) {
    const from = Math.floor(row / geometry.g) * entries
    for (let i = 0; i < entries; i++) to[row * width + columns[from + i]] = values[at++]
  }
}

/** Keeps the n columns with the largest sums of magnitudes over the g rows; the lowest of equals. */
export function keepLargest(data: Float32Array, geometry: NmGeometry): Keep {
  const { shape, n, m, g } = geometry
  const [rows, columns] = shape
  const sums = new Float64Array(m)
  return (patternRow, from, to, kept) => {
    const width = to - from
    const top = patternRow * g
    for (let i = 0, at = top * columns + from; i < width; i++, at++) sums[i] = Math.abs(data[at])
    for (let row = top + 1; row < Math.min(top + g, rows); row++) {
      for (let i = 0, at = row * columns + from; i < width; i++, at++) sums[i] += Math.abs(data[at])
    }
    for (let count = Math.min(n, width); count > 0; count--) {
      let best = 0
      let most = -1
      for (let i = 0; i < width; i++) {
        if (sums[i] > most) {
          most = sums[i]
          best = i
        }
      }
      kept[best] = 1
      sums[best] = -1
    }
  }
}

/** Keeps what any of the g rows has a one for. */
export function keepMarked(mask: ArrayLike<unknown>, geometry: NmGeometry): Keep {
  const { shape, g } = geometry
  const [rows, columns] = shape
  return (patternRow, from, to, kept) => {
    for (let row = patternRow * g; row < Math.min(patternRow * g + g, rows); row++) {
      for (let i = from; i < to; i++) if (mask[row * columns + i]) kept[i - from] = 1
    }
  }
}

/** Keeps the columns of a compressed row, which must rise. */
export function keepStored(rowOffsets: Uint32Array, columnIndices: Uint32Array, geometry: NmGeometry): Keep {
  const { shape, g } = geometry
  const next = rowOffsets.slice(0, shape[0])
  return (patternRow, from, to, kept) => {
    for (let row = patternRow * g; row < Math.min(patternRow * g + g, shape[0]); row++) {
      for (; next[row] < rowOffsets[row + 1] && columnIndices[next[row]] < to; next[row]++)
        kept[columnIndices[next[row]] - from] = 1
    }
  }
}
