import { mean } from 'simple-statistics'
import type { QualityRecord, QualityRun } from '../records/index.ts'
import { placeName } from './labels.ts'
import { type Figure, figureOf, isRate, withoutIntervals } from './metrics.ts'

/** A record with the run that it is from. */
export interface Judgement {
  readonly run: QualityRun
  readonly record: QualityRecord
}

/** What was judged of one model by one operation in one place, on the same data. */
export interface QualitySection {
  readonly place: string
  readonly operation: string
  readonly model: string
  /** The data that it was judged on. How the zeros were chosen on others differs from record to record. */
  readonly judgedOn: string
  readonly runs: readonly QualityRun[]
  /** In the order in which they first appear, without the ends of their intervals. */
  readonly metrics: readonly string[]
  readonly lines: readonly QualityLine[]
  readonly judgements: readonly Judgement[]
}

/** One method over sparsity. */
export interface QualityLine {
  readonly label: string
  readonly method: string
  readonly points: readonly QualityPoint[]
}

/** One record, or the means over layers and seeds. */
export interface QualityPoint {
  readonly sparsity: number
  /** By the section's metrics. Means have no interval: theirs is not the mean of intervals. */
  readonly figures: readonly (Figure | null)[]
  readonly judgements: readonly Judgement[]
}

const SEPARATOR = '; '

/** One section for each place, operation, model and data, those that state a speed first; of records judged anew, the newest. */
export function qualitySectionsOf(runs: readonly QualityRun[]): QualitySection[] {
  const newest = new Map<string, Judgement>()
  for (const run of runs) {
    const place = placeName(run.environment)
    for (const record of run.records) {
      const { operation, model, layer, method, sparsity, data, seed } = record
      const key = [place, operation, model, layer, method, sparsity.toFixed(4), data, seed]
      newest.set(JSON.stringify(key), { run, record })
    }
  }
  const groups = Map.groupBy(newest.values(), ({ run, record }) =>
    [placeName(run.environment), record.operation, record.model, judgedOn(record)].join('\0'),
  )
  const sections = [...groups.values()].map((judgements) => sectionOf(judgements.sort(inOrder)))
  return sections.sort((a, b) => Number(hasRate(b)) - Number(hasRate(a)))
}

function sectionOf(judgements: readonly Judgement[]): QualitySection {
  const { run, record } = judgements[0]!
  const metrics = withoutIntervals([...new Set(judgements.flatMap((one) => Object.keys(one.record.metrics)))])
  return {
    place: placeName(run.environment),
    operation: record.operation,
    model: record.model,
    judgedOn: judgedOn(record),
    runs: [...new Set(judgements.map((one) => one.run))],
    metrics,
    lines: linesOf(judgements, metrics),
    judgements,
  }
}

function judgedOn({ data }: QualityRecord): string {
  return data.split(SEPARATOR)[0]!
}

function hasRate({ metrics }: QualitySection): boolean {
  return metrics.some(isRate)
}

function inOrder({ record: a }: Judgement, { record: b }: Judgement): number {
  return (a.layer ?? '').localeCompare(b.layer ?? '') || a.method.localeCompare(b.method) || a.sparsity - b.sparsity
}

/** A line for each method; where its zeros were chosen on several data, or with several budgets, a line for each of these. */
function linesOf(judgements: readonly Judgement[], metrics: readonly string[]): QualityLine[] {
  return [...Map.groupBy(judgements, ({ record }) => record.method)].flatMap(([method, own]) => {
    const ways = Map.groupBy(own, ({ record }) => record.data)
    return [...ways].map(([data, members]) => ({
      label: ways.size === 1 ? method : `${method} (${data.split(SEPARATOR).slice(1).join(SEPARATOR)})`,
      method,
      points: [...Map.groupBy(members, ({ record }) => Math.round(record.sparsity * 1000) / 1000)]
        .sort(([a], [b]) => a - b)
        .map(([sparsity, at]) => ({ sparsity, figures: metrics.map((name) => meanFigure(at, name)), judgements: at })),
    }))
  })
}

function meanFigure(judgements: readonly Judgement[], name: string): Figure | null {
  const figures = judgements.flatMap(({ record }) => figureOf(record.metrics, name) ?? [])
  if (figures.length < 2) return figures[0] ?? null
  return { value: mean(figures.map(({ value }) => value)) }
}
