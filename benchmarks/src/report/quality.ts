import { mean } from 'simple-statistics'
import type { QualityRecord, QualityRun } from '../records/index.ts'
import { significant, sparsityLabel } from './format.ts'
import { list, safe, table } from './markdown.ts'

/** What was judged of one model by one operation on one machine. */
export interface QualitySection {
  readonly machine: string
  readonly operation: string
  readonly model: string
  readonly runs: readonly QualityRun[]
  /** What it was judged on. */
  readonly data: readonly string[]
  /** In the order in which they first appear. */
  readonly metrics: readonly string[]
  readonly records: readonly QualityRecord[]
}

/** One section for each machine, operation and model; of records judged anew, the newest. */
export function qualitySectionsOf(runs: readonly QualityRun[]): QualitySection[] {
  const newest = new Map<string, { run: QualityRun; record: QualityRecord }>()
  for (const run of runs) {
    for (const record of run.records) {
      const { operation, model, layer, method, sparsity, data, seed } = record
      const key = [run.environment.machine, operation, model, layer, method, sparsity.toFixed(4), data, seed]
      newest.set(JSON.stringify(key), { run, record })
    }
  }
  const groups = Map.groupBy(newest.values(), ({ run, record }) =>
    [run.environment.machine, record.operation, record.model].join('\0'),
  )
  return [...groups.values()].map((members) => {
    const { run, record } = members[0]!
    return {
      machine: run.environment.machine,
      operation: record.operation,
      model: record.model,
      runs: [...new Set(members.map((member) => member.run))],
      data: [...new Set(members.map((member) => member.record.data))],
      metrics: [...new Set(members.flatMap((member) => Object.keys(member.record.metrics)))],
      records: members.map((member) => member.record).sort(inOrder),
    }
  })
}

function inOrder(a: QualityRecord, b: QualityRecord): number {
  return (a.layer ?? '').localeCompare(b.layer ?? '') || a.method.localeCompare(b.method) || a.sparsity - b.sparsity
}

/** The parts of `results/README.md` that say what networks still do: means over layers, which the files list one by one. */
export function qualityParts(sections: readonly QualitySection[]): string[] {
  return sections.flatMap((section) => {
    const { machine, operation, model, runs, data, metrics, records } = section
    const layers = new Set(records.flatMap(({ layer }) => layer ?? [])).size
    return [
      `## Quality: ${safe(model)} (${safe(operation)}, judged on ${machine})`,
      list([
        ...data.map((text) => `Judged on: ${safe(text)}.`),
        ...(layers > 0 ? [`Where single layers were judged, means over ${layers} of them.`] : []),
        ...runs.map(({ path, unofficial }) => {
          const mark = unofficial === null ? '' : `, **unofficial**: ${unofficial}`
          return `[${path.split('/').at(-1)}](${path})${mark}`
        }),
      ]),
      table(
        ['method', 'sparsity', ...metrics],
        pageQualityOf(section).lines.flatMap(({ method, points }) =>
          points.map(({ sparsity, values }) => [
            method,
            sparsityLabel(sparsity),
            ...values.map((value) => significant(value, 4)),
          ]),
        ),
        1,
      ),
    ]
  })
}

/** What the page plots of a section. */
export interface PageQuality {
  readonly title: string
  readonly data: readonly string[]
  readonly metrics: readonly string[]
  readonly lines: readonly {
    readonly method: string
    readonly points: readonly { readonly sparsity: number; readonly values: readonly (number | null)[] }[]
  }[]
}

/** The lines of a section: one for each method, means over layers and seeds. */
export function pageQualityOf({ machine, operation, model, data, metrics, records }: QualitySection): PageQuality {
  const lines = [...Map.groupBy(records, ({ method }) => method)].map(([method, own]) => ({
    method,
    points: [...Map.groupBy(own, ({ sparsity }) => Math.round(sparsity * 1000) / 1000)]
      .sort(([a], [b]) => a - b)
      .map(([sparsity, members]) => ({
        sparsity,
        values: metrics.map((name) => {
          const values = members.flatMap((record) => record.metrics[name] ?? [])
          return values.length === 0 ? null : mean(values)
        }),
      })),
  }))
  return { title: `${model}: ${operation}, judged on ${machine}`, data, metrics, lines }
}
