import type { BlockLists, DecodeProblem } from '../../decode/problem.ts'

/** Bytes of keys and values of a unit of work: large enough that merging does not count, small enough to share out. */
const UNIT_BYTES = 1 << 20

/** Bytes of keys that are scored before their values are read. */
const CHUNK_BYTES = 1 << 17

/** How the work is cut, whatever blocks a run will ask for. A unit is some entries of one key head. */
export interface DecodeSizes {
  readonly keyHeads: number
  /** Entries of a unit at most. */
  readonly entries: number
  /** Entries that are scored before their values are read. */
  readonly chunk: number
  readonly mostUnits: number
  /** Bytes of what a unit finds. */
  readonly unitBytes: number
  /** Bytes of the scores of a chunk. */
  readonly scoreBytes: number
  /** Bytes of the scores of a query and a page. */
  readonly pageScores: number
}

/** Sizes of the tables and of scratch. */
export function decodeSizes({ heads, keyHeads, tokens, headDim, pageSize, pages }: DecodeProblem): DecodeSizes {
  const rows = (heads / Math.max(1, keyHeads)) * tokens
  const pageBytes = 4 * pageSize * headDim
  const pageScores = 16 * Math.ceil(pageSize / 4)
  const entries = Math.max(1, Math.round(UNIT_BYTES / (2 * pageBytes)))
  const chunk = Math.min(entries, Math.max(1, Math.floor(CHUNK_BYTES / pageBytes)))
  return {
    keyHeads,
    entries,
    chunk,
    mostUnits: keyHeads * Math.ceil(pages / entries),
    unitBytes: rows * (4 * headDim + 16),
    scoreBytes: 64 * Math.ceil((rows * chunk * pageScores) / 64),
    pageScores,
  }
}

/**
 * The units of a run, three numbers each: key head, first entry, the one after the last; and where those of each key head
 * begin. They depend on the lists and the sizes only, so that results do not depend on threads.
 */
export function cutUnits(
  { keyHeads, entries }: DecodeSizes,
  blocks: BlockLists,
): { units: number[]; offsets: number[] } {
  const units: number[] = []
  const offsets = [0]
  let start = 0
  for (let head = 0; head < keyHeads; head++) {
    const { length } = blocks[blocks.length === 1 ? 0 : head]
    for (let entry = 0; entry < length; entry += entries)
      units.push(head, start + entry, start + Math.min(length, entry + entries))
    offsets.push(units.length / 3)
    if (blocks.length > 1) start += length
  }
  return { units, offsets }
}
