import { significant } from '../format.ts'
import { lessIsBetter, usualAxes } from '../metrics.ts'
import type { PageQualitySection } from '../page-quality.ts'
import { paretoFront } from '../pareto.ts'
import type { Judged } from './judgement-sheet.ts'
import { type Mark, markOf } from './marks.ts'
import type { Guide, Point, Series } from './series.ts'

/** The axis that is no metric. */
export const SPARSITY = 'sparsity'

/** What a chart of one model is drawn from. */
export interface QualityPicture {
  readonly series: readonly Series<Judged>[]
  /** From one end to the other. */
  readonly front: readonly Point<Judged>[]
  readonly guides: readonly Guide[]
}

/** Points by two metrics, or by sparsity and one; dense as guide lines, the front over all that is shown. */
export function qualityPicture(
  section: PageQualitySection,
  { x, y }: { readonly x: string; readonly y: string },
  off: ReadonlySet<string>,
): QualityPicture {
  const [indexX, indexY] = [section.metrics.indexOf(x), section.metrics.indexOf(y)]
  const all = section.lines.map(({ label, method, points }): Series<Judged> => {
    const placed = points.flatMap((point): Point<Judged>[] => {
      const across = x === SPARSITY ? 100 * point.sparsity : point.figures[indexX]?.value
      const figure = point.figures[indexY]
      if (across === undefined || !figure) return []
      const { value, low, high } = figure
      const item = { section, label, method, point }
      return [{ x: across, y: value, ...(low === undefined ? {} : { low, high }), item }]
    })
    return { label, points: placed, line: placed.map(({ x: across, y: up }) => [across, up]) }
  })
  // Dense is what all others are judged by, so it is there whatever is switched off.
  const series = all.filter(({ label, points }) => points.length > 0 && (isDense(label) || !off.has(label)))
  const points = series.flatMap((one) => one.points)
  const front = paretoFront(points, { lessX: x !== SPARSITY && lessIsBetter(x), lessY: lessIsBetter(y) })
  return { series, front, guides: denseGuides(series, x) }
}

export function isDense(label: string): boolean {
  return label === 'dense'
}

/** The level of the dense network, and where both axes are metrics its place on the other one, too. */
function denseGuides(series: readonly Series<Judged>[], x: string): Guide[] {
  const dense = series.find(({ label }) => isDense(label))?.points[0]
  if (dense === undefined) return []
  const points = series.flatMap((one) => one.points)
  const [xs, ys] = [points.map((point) => point.x), points.flatMap(({ y, low = y, high = y }) => [low, high])]
  const [left, right] = x === SPARSITY ? [-2, 102] : [Math.min(...xs), Math.max(...xs)]
  const level: Guide = {
    label: 'dense',
    points: [
      [left, dense.y],
      [right, dense.y],
    ],
  }
  if (x === SPARSITY) return [level]
  const place: Guide = {
    label: '',
    points: [
      [dense.x, Math.min(...ys)],
      [dense.x, Math.max(...ys)],
    ],
  }
  return [level, place]
}

/** The axes that a section is shown with at first. */
export function firstAxes({ metrics }: PageQualitySection): { x: string; y: string } {
  const { x, y } = usualAxes(metrics)
  return { x: x ?? SPARSITY, y }
}

const PATTERN = /^(.*?) (unstructured|\d+:\d+(?: g=\d+)?|block \d+x\d+|column-vector \d+)((?:,| \+).*)?$/

/** The pattern in a method's name: `2:4` of `sparsegpt 2:4 + distilled 120 steps`; empty where it names none. */
export function patternOf(method: string): string {
  return PATTERN.exec(method)?.[2] ?? ''
}

/** The method without its pattern: `sparsegpt + distilled 120 steps`. */
export function wayOf(method: string): string {
  const [, way, , rest = ''] = PATTERN.exec(method) ?? []
  return way === undefined ? method : way + rest
}

/** The colour says how the zeros were chosen, the form says their pattern; where no name has a pattern, both tell lines apart. */
export function qualityMarks({ lines }: PageQualitySection): ReadonlyMap<string, Mark> {
  const patterns = [...new Set(lines.map(({ method }) => patternOf(method)))].filter((pattern) => pattern !== '')
  const ways = [...new Set(lines.map(({ label }) => wayOf(label)))]
  return new Map(
    lines.map(({ label, method }, index) => {
      if (patterns.length === 0) return [label, markOf(index)]
      const way = ways.indexOf(wayOf(label))
      return [label, { colour: markOf(way).colour, form: markOf(patterns.indexOf(patternOf(method)) + 1).form }]
    }),
  )
}

/** As many digits as tell two figures of a metric apart. */
export function formatMetric(value: number): string {
  return significant(value, 4)
}
