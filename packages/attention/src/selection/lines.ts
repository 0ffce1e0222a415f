import type { BlockMask } from '../mask/block-mask.ts'
import { pattern } from '../patterns/pattern.ts'
import { runsOf } from '../patterns/segments.ts'
import { type BlockLists, blockCounts, rowLimits } from './block-lists.ts'
import type { SelectionCall } from './call.ts'

/** Lines of an attention map that stay. */
export interface Lines {
  /** Keys that every query keeps, rising. */
  readonly columns: ArrayLike<number>
  /** Half-open ranges of the distance from a query's position back to the key's. */
  readonly distances: readonly (readonly [from: number, end: number])[]
}

type Size = Pick<SelectionCall, 'size' | 'causal'>

/** Adds every block of a head that a line meets. */
export function addLineBlocks({ size, causal }: Size, { columns, distances }: Lines, lists: BlockLists): void {
  const [height, width] = size.blockShape
  const [rows, all] = blockCounts(size)
  const vertical = new Uint8Array(all)
  for (let i = 0; i < columns.length; i++) vertical[Math.floor(columns[i] / width)] = 1
  const kept = new Uint8Array(all)
  const chosen = new Uint32Array(all)
  for (let row = 0; row < rows; row++) {
    kept.set(vertical)
    const first = row * height + size.columns - size.rows
    const last = Math.min(size.rows, (row + 1) * height) - 1 + size.columns - size.rows
    for (const [from, end] of distances) {
      const begin = Math.max(0, Math.floor((first - end + 1) / width))
      const stop = Math.min(all, Math.floor((last - from) / width) + 1)
      if (begin < stop) kept.fill(1, begin, stop)
    }
    let count = 0
    const limit = rowLimits(size, row, causal).end
    for (let column = 0; column < limit; column++) if (kept[column] === 1) chosen[count++] = column
    lists.addRow(chosen, count)
  }
}

/** The mask of just the pairs on the lines of each head. */
export function linePairs({ size, causal }: Size, heads: readonly Lines[], name: string): BlockMask {
  const runs = heads.map(({ columns }) => runsOf(columns))
  return pattern(size, name, (row) => {
    const limit = (p: number, end: number) => (causal ? Math.min(p + 1, end) : end)
    for (const [from, end] of runs[row.head])
      row.band(
        () => from,
        (p) => limit(p, end),
      )
    for (const [from, end] of heads[row.head].distances)
      row.band(
        (p) => p - end + 1,
        (p) => limit(p, p - from + 1),
      )
  })
}
