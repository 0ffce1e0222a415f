import Table from 'cli-table3'
import { NONE } from './format.ts'

/** A table without borders: two spaces between columns. */
export function fitted(rows: readonly (readonly string[])[], leaves: readonly number[], width: number): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const kept = new Set(widths.keys())
  const total = () => [...kept].reduce((sum, column) => sum + widths[column]! + 2, -2)
  const byImportance = [...kept].filter((column) => leaves[column]! > 0).sort((a, b) => leaves[b]! - leaves[a]!)
  for (const column of byImportance) if (total() > width) kept.delete(column)
  const colWidths = [...kept].map((column) => widths[column]! + 2)
  // What remains too wide is the name: it is cut off.
  colWidths[0] = Math.max(12, colWidths[0]! - Math.max(0, total() - width))
  const table = new Table({
    chars: Object.fromEntries(
      ['top', 'bottom', 'left', 'right', 'mid', 'middle'].flatMap((side) =>
        [side, `${side}-mid`, `${side}-left`, `${side}-right`].map((part) => [part, '']),
      ),
    ),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
    colAligns: [...kept].map((column) => (column === 0 ? 'left' : 'right')),
    colWidths,
  })
  table.push(...rows.map((row) => [...kept].map((column) => row[column] ?? NONE)))
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`
}

/** Lines of whole words. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''])
}
