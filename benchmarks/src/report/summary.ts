import { compared, type Section } from './aggregate.ts'
import { crossoverLabel, losses } from './findings.ts'
import { NONE, percent, significant, times } from './format.ts'
import { machineLine } from './labels.ts'
import { safe, table } from './markdown.ts'
import { modelHeadlines } from './model-headlines.ts'
import type { QualitySection } from './quality.ts'

export const SUMMARY_START = '<!-- nnz-bench:summary -->'
export const SUMMARY_END = '<!-- /nnz-bench:summary -->'

/** The block for the root README: what dispatch chooses in one table per place, with the worst row beside each mean; kernels where an operation has one only; a line before for each network that was judged and timed. */
export function renderSummary(sections: readonly Section[], quality: readonly QualitySection[] = []): string {
  const places = Map.groupBy(sections, ({ place }) => place)
  const parts = [...places].flatMap(([place, own]) => {
    const rivals = [...new Set(own.flatMap((section) => section.rivals))].filter((rival) => !rival.startsWith('nnz-'))
    const rows = own.flatMap((section) => summaryRows(section, rivals))
    if (rows.length === 0) return []
    const head = [
      'operation, kernel',
      'workloads',
      'GFLOP/s',
      'of the limit',
      'over the best dense',
      'worst row',
      ...rivals.map((rival) => `over ${rival} dense`),
      'crossover',
      'dense wins',
    ]
    const unofficial = own.some(({ runs }) => runs.some((run) => run.unofficial !== null))
    const few = own.some(({ processes }) => (processes ?? 0) < 5)
    const notes = [
      unofficial ? 'Unofficial: not from a clean commit.' : '',
      few ? 'Fewer than five processes per contender.' : '',
    ].filter((note) => note !== '')
    return [
      `**${safe(place)}**: ${safe(machineLine(own[0]!.environment))}.${notes.map((note) => ` ${note}`).join('')}`,
      table(head, rows, 1),
      ...own.flatMap((section) =>
        losses(section).length === 0 ? [] : [`Slower than dense: ${safe(losses(section).join('; '))}.`],
      ),
    ]
  })
  const models = modelHeadlines(
    quality,
    sections.flatMap(({ rows }) => rows),
  )
  if (parts.length + models.length === 0) return 'There are no results yet.'
  return [
    ...models.map(safe),
    ...parts,
    'Geometric means over all workloads, f32, each against the fastest dense contender of its platform in the same run. Crossover: the sparsity from which on the mean is faster, by number of columns. [All tables](results/README.md) · [interactive page](results/index.html).',
  ].join('\n\n')
}

function summaryRows({ operation, contenders, crossovers }: Section, rivals: readonly string[]): string[][] {
  const own = contenders.filter(({ type, method, passed }) => type === 'kernel' && method === 'sparse' && passed > 0)
  // What users get is what dispatch chooses; single kernels stand in the tables.
  const automatic = own.filter(({ label }) => label.startsWith('auto__'))
  return (automatic.length > 0 ? automatic : own).map(
    ({ label, passed, total, gflops, limitShare, best, speedUps }) => {
      const crossing = crossovers.filter((line) => line.label === label)
      return [
        `${operation}, \`${label}\``,
        passed === total ? String(total) : `${passed} of ${total}`,
        significant(gflops),
        percent(limitShare?.mean),
        times(best?.mean),
        times(best?.worstRatio),
        ...rivals.map((rival) => times(speedUps.get(rival)?.mean)),
        crossing.map(({ n, mean }) => `${n === null ? '' : `N ${n}: `}${crossoverLabel(mean)}`).join(', ') || NONE,
        best === null ? NONE : `${best.slower} of ${compared(best)}`,
      ]
    },
  )
}

/**
 * Puts the block between the markers of a document.
 * @throws {RangeError} where the markers are not there once each, in their order.
 */
export function replaceSummary(document: string, summary: string): string {
  const [start, end] = [document.indexOf(SUMMARY_START), document.indexOf(SUMMARY_END)]
  const once = start === document.lastIndexOf(SUMMARY_START) && end === document.lastIndexOf(SUMMARY_END)
  if (start < 0 || end < start || !once)
    throw new RangeError(`expected one ${SUMMARY_START} followed by one ${SUMMARY_END}`)
  return `${document.slice(0, start + SUMMARY_START.length)}\n${summary}\n${document.slice(end)}`
}
