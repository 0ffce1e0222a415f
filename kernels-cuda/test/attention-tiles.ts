/** Kept tiles of 64 x 64 of some heads, in rows of queries or of keys, with bits where not all pairs are kept. */
interface Tiles {
  readonly offsets: Uint32Array
  readonly tiles: Uint32Array
  readonly partial: Int32Array
}

type Keeps = (head: number, query: number, key: number) => boolean

const SIDE = 64

/** Pairs that are kept, [heads, tokens, keys], as the device reads them: by query tiles, by key tiles, and their bits. */
export function tilesOf(keeps: Keeps, heads: number, tokens: number, keys: number) {
  const bits: bigint[] = []
  /** -1 for a full tile, the number of its bits for another; undefined for one that keeps nothing. */
  const kinds = new Map<string, number>()
  const [rows, columns] = [Math.ceil(tokens / SIDE), Math.ceil(keys / SIDE)]
  for (let head = 0; head < heads; head++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const words = wordsOf((i, j) => keeps(head, i, j), row * SIDE, column * SIDE, tokens, keys)
        if (words.every((word) => word === 0n)) continue
        const all = (1n << BigInt(Math.min(SIDE, keys - column * SIDE))) - 1n
        const full = words.every((word, i) => row * SIDE + i >= tokens || word === all)
        kinds.set(`${head} ${row} ${column}`, full ? -1 : bits.length / SIDE)
        if (!full) bits.push(...words)
      }
  return {
    byQueries: lists(heads, rows, columns, (head, row, column) => kinds.get(`${head} ${row} ${column}`)),
    byKeys: lists(heads, columns, rows, (head, column, row) => kinds.get(`${head} ${row} ${column}`)),
    bits: BigUint64Array.from(bits),
  }
}

/** One word for each query of a tile, with a bit for each key. */
function wordsOf(
  keeps: (query: number, key: number) => boolean,
  top: number,
  left: number,
  tokens: number,
  keys: number,
) {
  return Array.from({ length: SIDE }, (_, i) => {
    let word = 0n
    for (let j = 0; j < SIDE && left + j < keys; j++)
      if (top + i < tokens && keeps(top + i, left + j)) word |= 1n << BigInt(j)
    return word
  })
}

function lists(
  heads: number,
  rows: number,
  columns: number,
  kind: (head: number, row: number, column: number) => number | undefined,
): Tiles {
  const [offsets, tiles, partial]: number[][] = [[], [], []]
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < rows; row++) {
      offsets.push(tiles.length)
      for (let column = 0; column < columns; column++) {
        const found = kind(head, row, column)
        if (found === undefined) continue
        tiles.push(column)
        partial.push(found)
      }
    }
    offsets.push(tiles.length)
  }
  return { offsets: Uint32Array.from(offsets), tiles: Uint32Array.from(tiles), partial: Int32Array.from(partial) }
}
