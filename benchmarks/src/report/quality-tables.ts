import { stringify } from 'csv-stringify/sync'
import { CSV_OPTIONS } from './csv.ts'
import { NONE, significant, sparsityLabel, withInterval } from './format.ts'
import { list, safe, table } from './markdown.ts'
import { figureOf, lessIsBetter, usualAxes, withoutIntervals } from './metrics.ts'
import { paretoFront } from './pareto.ts'
import type { QualityLine, QualityPoint, QualitySection } from './quality.ts'

/** The parts of `results/README.md` that say what networks still do: means over layers, which the files list one by one. */
export function qualityParts(sections: readonly QualitySection[]): string[] {
  return sections.flatMap((section) => {
    const { place, operation, model, judgedOn, runs, metrics, lines, judgements } = section
    const layers = new Set(judgements.flatMap(({ record }) => record.layer ?? [])).size
    const front = frontSentence(section)
    return [
      `## Quality: ${safe(model)} (${safe(operation)}, judged on ${safe(place)})`,
      list([
        `Judged on ${safe(judgedOn)}.`,
        ...(layers > 0 ? [`Means over ${layers} layers.`] : []),
        ...(front === null ? [] : [safe(front)]),
        ...runs.map(({ path, unofficial }) => {
          const mark = unofficial === null ? '' : `, **unofficial**: ${unofficial}`
          return `[${path.split('/').at(-1)}](${path})${mark}`
        }),
      ]),
      table(
        ['method', 'sparsity', ...metrics],
        lines.flatMap(({ label, points }) =>
          points.map(({ sparsity, figures }) => [
            label,
            sparsityLabel(sparsity),
            ...figures.map((figure) => withInterval(figure)),
          ]),
        ),
        1,
      ),
    ]
  })
}

interface Place {
  readonly x: number
  readonly y: number
  readonly line: QualityLine
  readonly point: QualityPoint
}

/** Which networks no other one beats in both quality and speed; null where no speed was measured. */
function frontSentence({ metrics, lines }: QualitySection): string | null {
  const { x, y } = usualAxes(metrics)
  if (x === null) return null
  const [indexX, indexY] = [metrics.indexOf(x), metrics.indexOf(y)]
  const places = lines.flatMap((line) =>
    line.points.flatMap((point): Place[] => {
      const [figureX, figureY] = [point.figures[indexX], point.figures[indexY]]
      return figureX && figureY ? [{ x: figureX.value, y: figureY.value, line, point }] : []
    }),
  )
  const front = paretoFront(places, { lessX: lessIsBetter(x), lessY: lessIsBetter(y) })
  const words = front.map(({ line, point, x: rate, y: score }) => {
    return `${line.label} at ${sparsityLabel(point.sparsity)} (${significant(rate)}, ${significant(score, 4)})`
  })
  return `Pareto front of ${x} and ${y}: ${words.join('; ') || NONE}.`
}

/** `quality.csv`: one line for each figure of each record, so that any metric of any network finds its place. */
export function renderQualityCsv(sections: readonly QualitySection[]): string {
  const rows = sections.flatMap(({ judgements }) =>
    judgements.flatMap(({ run, record }) =>
      withoutIntervals(Object.keys(record.metrics)).map((metric) => {
        const { operation, model, layer, method, sparsity, data, seed } = record
        const { machine, runtime, source } = run.environment
        const figure = figureOf(record.metrics, metric)
        return {
          machine,
          runtime: runtime.name,
          file: run.path,
          commit: source.commit,
          official: run.unofficial === null,
          operation,
          model,
          layer,
          method,
          sparsity,
          data,
          seed,
          metric,
          value: figure?.value,
          low: figure?.low,
          high: figure?.high,
          better: lessIsBetter(metric) ? 'less' : 'more',
        }
      }),
    ),
  )
  return stringify(rows, CSV_OPTIONS)
}
