import { type BlockMask, FULL } from './mask/block-mask.ts'

/** Queries that a kernel takes at once. */
const TILE = 64

/** What attention does, in order: for each tile of queries the runs of keys that it meets. */
export interface Schedule {
  /** Heads with entries of their own; 1: all share them. */
  readonly heads: number
  readonly tiles: number
  /** Queries of a tile, but for the last of a block. */
  readonly height: number
  /** [tiles + 1]: first query of each tile. */
  readonly tileStarts: Int32Array
  /** [tiles]: where a tile begins inside its block of the mask. */
  readonly tileRows: Int32Array
  /** [heads * tiles + 1], into entries. */
  readonly offsets: Int32Array
  /** Triples: first key, key after the last, number of the element mask or -1. Full neighbours are one run. */
  readonly entries: Int32Array
}

function cut(rows: number, blockRows: number, height: number): { starts: number[]; inside: number[] } {
  const starts: number[] = []
  const inside: number[] = []
  for (let block = 0; block < rows; block += blockRows) {
    for (let row = 0; row < blockRows && block + row < rows; row += height) {
      starts.push(block + row)
      inside.push(row)
    }
  }
  starts.push(rows)
  return { starts, inside }
}

/** The schedule of a mask, or of full attention. */
export function schedule(mask: BlockMask | undefined, tokens: number, keys: number): Schedule {
  const [blockRows, blockColumns] = mask?.blockShape ?? [TILE, keys]
  // A block of 128 is two tiles of 64, one of 96 two of 48.
  const height = Math.ceil(blockRows / Math.ceil(blockRows / TILE))
  const { starts, inside } = cut(tokens, blockRows, height)
  const tiles = starts.length - 1
  const heads = mask?.heads ?? 1
  const offsets = new Int32Array(heads * tiles + 1)
  const entries: number[] = []
  const perHead = Math.ceil(tokens / blockRows)
  for (let head = 0; head < heads; head++) {
    for (let tile = 0; tile < tiles; tile++) {
      if (!mask) entries.push(0, keys, -1)
      else addRuns(mask, head * perHead + Math.floor(starts[tile] / blockRows), blockColumns, entries)
      offsets[head * tiles + tile + 1] = entries.length / 3
    }
  }
  return {
    heads,
    tiles,
    height,
    tileStarts: Int32Array.from(starts),
    tileRows: Int32Array.from(inside),
    offsets,
    entries: Int32Array.from(entries),
  }
}

function addRuns(mask: BlockMask, row: number, width: number, entries: number[]): void {
  const begin = entries.length
  for (let block = mask.rowOffsets[row]; block < mask.rowOffsets[row + 1]; block++) {
    const from = mask.columnIndices[block] * width
    const to = Math.min(mask.columns, from + width)
    const partial = mask.partialIndices[block] === FULL ? -1 : mask.partialIndices[block]
    const last = entries.length - 3
    if (partial < 0 && last >= begin && entries[last + 1] === from && entries[last + 2] < 0) entries[last + 1] = to
    else entries.push(from, to, partial)
  }
}

/** Kept keys of each tile of each head, partial blocks counted whole and ranges applied to a tile's last query. */
export function tileWork({ heads, tiles, tileStarts, offsets, entries }: Schedule, high: Int32Array): Float64Array {
  const work = new Float64Array(heads * tiles)
  for (let i = 0; i < work.length; i++) {
    const tile = i % tiles
    const end = high[tileStarts[tile + 1] - 1]
    for (let entry = offsets[i]; entry < offsets[i + 1]; entry++)
      work[i] += Math.max(0, Math.min(entries[3 * entry + 1], end) - entries[3 * entry])
    // Packing and writing count like some keys.
    work[i] = (work[i] + 8) * (tileStarts[tile + 1] - tileStarts[tile])
  }
  return work
}
