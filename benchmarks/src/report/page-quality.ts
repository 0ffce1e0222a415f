import { Dictionary, type PageRun, pageRunOf } from './columns.ts'
import type { Figure } from './metrics.ts'
import type { Judgement, QualitySection } from './quality.ts'

/** What the page shows of quality. */
export interface PageQuality {
  readonly runs: readonly PageRun[]
  readonly sections: readonly PageQualitySection[]
}

export interface PageQualitySection
  extends Pick<QualitySection, 'place' | 'operation' | 'model' | 'judgedOn' | 'metrics'> {
  readonly lines: readonly {
    readonly label: string
    readonly method: string
    readonly points: readonly PageQualityPoint[]
  }[]
}

export interface PageQualityPoint {
  readonly sparsity: number
  /** By the section's metrics. */
  readonly figures: readonly (Figure | null)[]
  readonly records: readonly PageJudgement[]
}

export interface PageJudgement {
  /** Which of the runs it is from. */
  readonly run: number
  readonly layer: string | null
  readonly data: string
  readonly seed: number | null
  readonly sparsity: number
  /** As in the file. */
  readonly metrics: Readonly<Record<string, number | null>>
}

export function pageQualityOf(sections: readonly QualitySection[]): PageQuality {
  const runs = new Dictionary<PageRun>()
  const judgementOf = ({ run, record }: Judgement): PageJudgement => {
    const { layer, data, seed, sparsity, metrics } = record
    return { run: runs.numberOf(run.path, () => pageRunOf(run)), layer, data, seed, sparsity, metrics }
  }
  const pageSections = sections.map(({ place, operation, model, judgedOn, metrics, lines }) => ({
    place,
    operation,
    model,
    judgedOn,
    metrics,
    lines: lines.map(({ label, method, points }) => ({
      label,
      method,
      points: points.map(({ sparsity, figures, judgements }) => ({
        sparsity,
        figures,
        records: judgements.map(judgementOf),
      })),
    })),
  }))
  return { runs: runs.values, sections: pageSections }
}
