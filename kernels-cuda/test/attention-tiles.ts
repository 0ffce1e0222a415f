/** Pairs that are kept, [heads, tokens, keys], as the device reads them: kept tiles of 64 x 64, with bits where not all pairs are. */
export function tilesOf(
  kept: (head: number, query: number, key: number) => boolean,
  heads: number,
  tokens: number,
  keys: number,
) {
  const offsets: number[] = []
  const tiles: number[] = []
  const partial: number[] = []
  const bits: bigint[] = []
  for (let head = 0; head < heads; head++) {
    for (let query = 0; query < tokens; query += 64) {
      offsets.push(tiles.length)
      for (let key = 0; key < keys; key += 64) {
        const words = Array.from({ length: 64 }, (_, i) => {
          let word = 0n
          for (let j = 0; j < 64 && key + j < keys; j++)
            if (query + i < tokens && kept(head, query + i, key + j)) word |= 1n << BigInt(j)
          return word
        })
        if (words.every((word) => word === 0n)) continue
        const full = words.every(
          (word, i) => query + i >= tokens || word === (1n << BigInt(Math.min(64, keys - key))) - 1n,
        )
        partial.push(full ? -1 : bits.length / 64)
        if (!full) bits.push(...words)
        tiles.push(key / 64)
      }
    }
    offsets.push(tiles.length)
  }
  return {
    offsets: Uint32Array.from(offsets),
    tiles: Uint32Array.from(tiles),
    partial: Int32Array.from(partial),
    bits: BigUint64Array.from(bits),
  }
}
