import { sparsityLabel, withInterval } from '../format.ts'
import { figureOf, withoutIntervals } from '../metrics.ts'
import type { PageJudgement, PageQuality, PageQualityPoint, PageQualitySection } from '../page-quality.ts'
import { repeatJudgement } from '../repeat.ts'
import { el } from './dom.ts'
import { command, environmentParts, facts, plainTable, type Sheet, scrollRegion } from './sheet.ts'

/** A point with the method and the section that it is from. */
export interface Judged {
  readonly section: PageQualitySection
  readonly label: string
  readonly method: string
  readonly point: PageQualityPoint
}

/** What was judged of a network at one point, and on which machine; where it is a mean, the records behind it. */
export function judgementSheet({ runs }: PageQuality, { section, label, method, point }: Judged): Sheet {
  const { model, operation, metrics } = section
  const [first] = point.records
  const run = runs[first!.run]!
  const paths = [...new Set(point.records.map((record) => runs[record.run]!.path))]
  const many = point.records.length > 1
  return {
    title: `${model}, ${label}, ${sparsityLabel(point.sparsity)}`,
    parts: [
      facts([
        ...metrics.map((name, index): [string, string] => [name, withInterval(point.figures[index])]),
        ['operation', operation],
        ['data', [...new Set(point.records.map(({ data }) => data))].join('; ')],
        ['seed', many || first!.seed === null ? null : String(first!.seed)],
        ['from', many ? `the mean of ${point.records.length} records, below` : 'one record'],
        ...paths.map((path): [string, Node] => ['file', el('a', { href: path }, path)]),
      ]),
      ...command(repeatJudgement(run, { model, method, sparsity: point.sparsity, data: first!.data })),
      ...(many ? [el('h3', {}, 'Records'), recordTable(point.records)] : []),
      ...environmentParts(run),
    ],
  }
}

function recordTable(records: readonly PageJudgement[]): HTMLElement {
  const names = withoutIntervals([...new Set(records.flatMap(({ metrics }) => Object.keys(metrics)))])
  const rows = records.map(({ layer, seed, metrics }) => [
    layer ?? `seed ${seed ?? 'not stated'}`,
    ...names.map((name) => withInterval(figureOf(metrics, name))),
  ])
  return scrollRegion('records behind the mean', plainTable(['layer', ...names], rows))
}
