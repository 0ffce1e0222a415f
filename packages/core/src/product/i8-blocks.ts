/** Columns of a K block, whose 32 bytes each of X stay in L1. */
const BLOCK_COLUMNS = 768
/** Blocks begin at a multiple of four columns of their group: weights can be stored as fours of neighbours. */
const ALIGNMENT = 4

/**
 * First column of each block of K in a stream of i8 weights, and the end: columns of groups that share a scale are not
 * mixed.
 */
export function i8BlockStarts(k: number, groupColumns: number): Uint32Array {
  const starts: number[] = []
  for (let group = 0; group < Math.max(1, k); group += groupColumns) {
    const columns = Math.min(groupColumns, k - group)
    const blocks = Math.max(1, Math.ceil(columns / BLOCK_COLUMNS))
    for (let block = 0; block < blocks; block++)
      starts.push(group + Math.floor((block * columns) / blocks / ALIGNMENT) * ALIGNMENT)
  }
  return Uint32Array.from([...starts, k])
}
