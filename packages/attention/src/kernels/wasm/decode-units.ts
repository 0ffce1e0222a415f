import type { BlockLists, DecodeProblem } from '../../decode/problem.ts'

/** Bytes of keys and values of a unit of work: large enough that merging does not count, small enough to share out. */
const UNIT_BYTES = 1 << 20

/** Bytes of keys that are scored before their values are read. */
const CHUNK_BYTES = 1 << 17

/** Key heads of a unit at most, where all share one list: their parts of a page are neighbours. */
const UNIT_HEADS = 8

/** How the work is cut for lists of one kind. */
interface Cut {
  readonly unitHeads: number
  /** Entries of a unit. */
  readonly entries: number
  /** Entries that are scored before their values are read. */
  readonly chunk: number
  readonly unitBytes: number
}

/** Sizes that a plan knows, whatever blocks a run will ask for. */
export interface DecodeSizes {
  readonly keyHeads: number
  readonly shared: Cut
  readonly perHead: Cut
  readonly mostUnits: number
  readonly stateBytes: number
  /** Bytes of the scores of a chunk. */
  readonly scoreBytes: number
  /** Bytes of the scores of a query and a page. */
  readonly pageScores: number
}

/** Sizes of the tables and of scratch. */
export function decodeSizes({ heads, keyHeads, tokens, headDim, pageSize, pages }: DecodeProblem): DecodeSizes {
  const rows = (heads / Math.max(1, keyHeads)) * tokens
  const pageScores = 16 * Math.ceil(pageSize / 4)
  const cut = (unitHeads: number): Cut => {
    const bytes = 8 * unitHeads * pageSize * headDim
    const entries = Math.max(1, Math.round(UNIT_BYTES / bytes))
    const chunk = Math.min(entries, Math.max(1, Math.floor(CHUNK_BYTES / (bytes / 2))))
    return { unitHeads, entries, chunk, unitBytes: unitHeads * rows * (4 * headDim + 16) }
  }
  const shared = cut(Math.max(1, Math.min(keyHeads, UNIT_HEADS)))
  const perHead = cut(1)
  const unitsOf = ({ unitHeads, entries }: Cut) => Math.ceil(keyHeads / unitHeads) * Math.ceil(pages / entries)
  return {
    keyHeads,
    shared,
    perHead,
    mostUnits: Math.max(unitsOf(shared), unitsOf(perHead)),
    stateBytes: Math.max(unitsOf(shared) * shared.unitBytes, unitsOf(perHead) * perHead.unitBytes),
    scoreBytes: 64 * Math.ceil((rows * pageScores * Math.max(shared.unitHeads * shared.chunk, perHead.chunk)) / 64),
    pageScores,
  }
}

/** The units of a run: they depend on the lists and the sizes only, so that results do not depend on threads. */
export function cutUnits(
  { keyHeads, shared, perHead }: DecodeSizes,
  blocks: BlockLists,
): Cut & { units: number[]; offsets: number[] } {
  const cut = blocks.length === 1 ? shared : perHead
  const units: number[] = []
  const offsets = [0]
  let start = 0
  for (let head = 0; head < keyHeads; head += cut.unitHeads) {
    const end = Math.min(keyHeads, head + cut.unitHeads)
    const { length } = blocks[blocks.length === 1 ? 0 : head]
    for (let entry = 0; entry < length; entry += cut.entries)
      units.push(head, end, start + entry, start + Math.min(length, entry + cut.entries))
    offsets.push(units.length / 4)
    if (blocks.length > 1) start += length
  }
  return { ...cut, units, offsets }
}
