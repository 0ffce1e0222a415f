import Table from 'cli-table3'
import type { ContenderSummary, Section } from './aggregate.ts'
import { crossoverTable, losses, noiseSentence, processesSentence } from './findings.ts'
import { milliseconds, NONE, percent, significant, times } from './format.ts'
import { machineLine } from './labels.ts'

interface Column {
  readonly head: string
  /** The column that goes first where there is no room; 0 always stays. */
  readonly leaves: number
  readonly cell: (contender: ContenderSummary) => string
}

const NAME: Column = { head: 'contender', leaves: 0, cell: ({ label }) => label }

function columnsOf(rivals: readonly string[]): Column[] {
  return [
    NAME,
    { head: 'ms', leaves: 0, cell: ({ ns }) => milliseconds(ns) },
    { head: 'GFLOP/s', leaves: 2, cell: ({ gflops }) => significant(gflops) },
    { head: 'dense-eq.', leaves: 6, cell: ({ denseGflops }) => significant(denseGflops) },
    { head: 'limit', leaves: 4, cell: ({ limitShare }) => percent(limitShare?.mean) },
    { head: 'over dense', leaves: 1, cell: ({ best }) => times(best?.mean) },
    { head: 'worst', leaves: 3, cell: ({ best }) => times(best?.worstRatio) },
    ...rivals.map((rival, index) => ({
      head: `/ ${rival}`,
      leaves: 9 + index,
      cell: ({ speedUps }: ContenderSummary) => times(speedUps.get(rival)?.mean),
    })),
    { head: 'spread', leaves: 7, cell: ({ spread }) => percent(spread) },
    { head: 'error', leaves: 8, cell: ({ error }) => percent(error) },
    { head: 'passed', leaves: 5, cell: ({ passed, total }) => `${passed}/${total}` },
  ]
}

/** The tables of a report for a terminal, no line wider than `width` (from 40 on). Columns leave, the least important one first, until the rest has room. */
export function renderTerminal(sections: readonly Section[], width = 80): string {
  return sections.flatMap((section) => sectionBlocks(section, width)).join('\n')
}

function sectionBlocks(section: Section, width: number): string[] {
  const { operation, machine, environment, contenders, rivals, crossovers, failures, noise } = section
  const columns = columnsOf(rivals)
  const cells = contenders.map((contender) => columns.map((column) => column.cell(contender)))
  const lines = [
    `${operation} on ${machine}`,
    machineLine(environment),
    fitted(
      [columns.map(({ head }) => head), ...cells],
      columns.map(({ leaves }) => leaves),
      width,
    ),
  ]
  if (crossovers.length > 0) {
    const rows = crossoverTable(crossovers)
    lines.push(
      'Crossover sparsity, mean (last layer)',
      fitted(
        rows,
        rows[0]!.map((_, column) => column),
        width,
      ),
    )
  }
  lines.push(...losses(section).map((line) => `Dense wins: ${line}`))
  lines.push(
    ...failures.map(({ label, status, reason, count }) => `No time: ${label}, ${count} x ${status}: ${reason}`),
  )
  lines.push(processesSentence(section), ...(noise === null ? [] : [noiseSentence(noise)]))
  return [...lines.flatMap((line) => (line.includes('\n') ? [line] : wrapped(line, width))), '']
}

/** A table without borders: two spaces between columns. */
function fitted(rows: readonly (readonly string[])[], leaves: readonly number[], width: number): string {
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

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''])
}
