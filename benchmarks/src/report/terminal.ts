import type { RunComparison } from '../statistics/index.ts'
import type { Section } from './aggregate.ts'
import { crossoverTable, losses, noiseSentence, processesSentence } from './findings.ts'
import { significant } from './format.ts'
import { machineLine } from './labels.ts'
import { sectionColumns } from './section-columns.ts'
import { fitted, wrapped } from './terminal-table.ts'

/** The tables of a report for a terminal, no line wider than `width` (from 40 on). Columns leave, the least important one first, until the rest has room. */
export function renderTerminal(sections: readonly Section[], width = 80): string {
  return sections.flatMap((section) => sectionBlocks(section, width)).join('\n')
}

function sectionBlocks(section: Section, width: number): string[] {
  const { operation, place, environment, contenders, rivals, crossovers, failures, noise } = section
  const columns = sectionColumns(rivals)
  const cells = contenders.map((contender) => columns.map((column) => column.cell(contender)))
  const lines = [
    `${operation} on ${place}`,
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

/** What `compareRuns` found: counts, the mean, and the records that differ, those with the greatest ratio first. */
export function renderComparison(comparison: RunComparison, width = 80, most = 30): string {
  const { records, counts, geometricMean, onlyInA, onlyInB } = comparison
  const differing = records
    .filter(({ verdict }) => verdict === 'faster' || verdict === 'slower')
    .sort((a, b) => b.ratio! - a.ratio!)
  const rows = differing.slice(0, most).map(({ id, ratio, interval, verdict }) => {
    return [id, verdict, significant(ratio), `${significant(interval!.low)} to ${significant(interval!.high)}`]
  })
  const verdicts = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`)
  const lines = [
    `Second run against the first: ${verdicts.join(', ')}.`,
    geometricMean === null
      ? 'Nothing is comparable.'
      : `Time of the second over the first, geometric mean: ${significant(geometricMean)}.`,
    ...(rows.length === 0
      ? []
      : [fitted([['record', 'verdict', 'time ratio', '95 % interval'], ...rows], [0, 2, 0, 1], width)]),
    differing.length > most ? `and ${differing.length - most} more` : '',
    onlyInA.length + onlyInB.length > 0
      ? `${onlyInA.length} records are only in the first run, ${onlyInB.length} only in the second.`
      : '',
  ]
  return lines.flatMap((line) => (line.includes('\n') ? [line] : line === '' ? [] : wrapped(line, width))).join('\n')
}
