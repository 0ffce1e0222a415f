import type { PageData } from '../columns.ts'
import { significant } from '../format.ts'
import type { PageQuality } from '../quality.ts'
import { Chart, type ChartOptions } from './chart.ts'
import { controls, legend } from './controls.ts'
import { type PageRow, rowsOf } from './data.ts'
import { Details } from './details.ts'
import { el, once, renew } from './dom.ts'
import { type Filters, fromHash, matches, toHash } from './filters.ts'
import { type Mark, markOf } from './marks.ts'
import { qualitySection } from './quality.ts'
import {
  type Guide,
  limitSeries,
  rooflineSeries,
  roofs,
  type Series,
  speedUpReader,
  speedUpSeries,
  summaries,
} from './series.ts'
import { summaryTable } from './summary-table.ts'
import { RecordTable } from './table.ts'

/** A little more than 0 to 100, so that marks at the ends are whole. */
const PERCENTS = [-2, 102] as const

const data = JSON.parse(document.getElementById('data')!.textContent!) as PageData
const rows = rowsOf(data)
const app = document.getElementById('app')!
const newest = rows.reduce<PageRow | undefined>(
  (a, b) => (a === undefined || b.run.date > a.run.date ? b : a),
  undefined,
)

const quality = qualitySection(JSON.parse(document.getElementById('quality')!.textContent!) as PageQuality[])

if (newest !== undefined) start(newest)
else if (quality === undefined) app.append(el('p', {}, 'There are no records yet.'))
if (quality !== undefined) app.append(quality)

function start(usual: PageRow): void {
  const details = new Details()
  const open = (row: PageRow) => details.open(row)
  const labels = orderedLabels()
  const marks = new Map(labels.map((label, index) => [label, markOf(index)]))
  const mark = (label: string): Mark => marks.get(label)!

  const percent = (value: number) => `${Number(value.toFixed(1))} %`
  const shared = { markOf: mark, open }
  const bySparsity = { xLabel: 'sparsity', xLog: 0, xRange: PERCENTS, formatX: percent } as const
  const speedUp = new Chart({
    ...shared,
    ...bySparsity,
    title: 'Speed-up against sparsity',
    note: 'Over the fastest dense contender of the same platform, unless another one is chosen. Each mark is a workload, each line the geometric mean; below the dashed line dense is faster.',
    yLabel: 'times as fast as dense',
    yLog: 2,
    formatY: (value) => `${significant(value, 2)}x`,
  } satisfies ChartOptions)
  const limit = new Chart({
    ...shared,
    ...bySparsity,
    title: 'Share of the limit',
    note: 'The least time that the measured peak of the machine allows, over the time.',
    yLabel: 'share of the limit',
    yLog: 0,
    formatY: percent,
  } satisfies ChartOptions)
  const roofline = new Chart({
    ...shared,
    title: 'Roofline',
    note: 'Operations really done per byte that must be moved; dashed, what the machine was measured to reach.',
    xLabel: 'FLOP per byte',
    yLabel: 'GFLOP/s',
    xLog: 10,
    yLog: 10,
    formatX: (value) => significant(value, 2),
    formatY: (value) => significant(value, 2),
  } satisfies ChartOptions)
  const charts = [speedUp, limit, roofline]
  const table = new RecordTable(mark, open)
  const [filterPlace, notePlace, legendPlace] = [el('div'), el('div', { class: 'notes' }), el('div')]
  const summaryPlace = el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-labelledby': 'summary' })
  const summarySection = el('section', {}, el('h2', { id: 'summary' }, 'Means over what is shown'), summaryPlace)

  const defaults: Filters = {
    machine: usual.run.machine,
    operation: usual.workload.operation,
    model: '',
    pattern: '',
    n: '',
    from: '',
    to: '',
    search: '',
    against: '',
    off: new Set(),
  }
  let filters = fromHash(location.hash, defaults)

  const show = once(() => {
    history.replaceState(null, '', toHash(filters))
    const matching = rows.filter((row) => matches(row, filters))
    const present = new Set(matching.map(({ contender }) => contender.label))
    const shown = matching.filter(({ contender }) => !filters.off.has(contender.label))
    const reader = speedUpReader(data, filters.against)

    notePlace.replaceChildren(...runNotes(matching))
    renew(
      legendPlace,
      legend(
        labels.filter((label) => present.has(label)),
        filters.off,
        mark,
        change,
      ),
    )
    update(speedUp, speedUpSeries(shown, reader), [level('dense', 1)])
    update(limit, limitSeries(shown), [level('the limit', 100)])
    const intensities = rooflineSeries(shown)
    update(roofline, intensities, roofs(shown, rangeOf(intensities)))
    summaryPlace.replaceChildren(summaryTable(inOrder(summaries(shown, reader)), mark, open))
    table.update(shown, reader)
  })
  const showControls = () => renew(filterPlace, controls(data, rows, filters, change))
  function change(part: Partial<Filters>): void {
    // Another machine or operation has other models and widths: what was chosen of the old ones would hide everything.
    const moved = part.machine !== undefined || part.operation !== undefined
    filters = { ...filters, ...(moved ? { model: '', pattern: '', n: '' } : {}), ...part }
    if (moved) {
      const of = rows.filter(({ run }) => run.machine === filters.machine)
      if (!of.some(({ workload }) => workload.operation === filters.operation))
        filters.operation = of[0]!.workload.operation
      showControls()
    }
    show()
  }
  function inOrder<T extends { label: string }>(list: T[]): T[] {
    return list.sort((a, b) => labels.indexOf(a.label) - labels.indexOf(b.label))
  }
  function update(chart: Chart, series: Series[], guides: Guide[]): void {
    chart.update(inOrder(series), guides)
  }

  app.append(
    filterPlace,
    notePlace,
    legendPlace,
    el('div', { class: 'charts' }, ...charts.map(({ element }) => element)),
    summarySection,
    table.element,
    details.element,
  )
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
    charts.forEach((chart) => void chart.redraw()),
  )
  addEventListener('hashchange', () => {
    filters = fromHash(location.hash, defaults)
    showControls()
    show()
  })
  showControls()
  show()
}

/** Our sparse kernels first and the fastest of them at the head, so that they have the clearest colours in every view. */
function orderedLabels(): string[] {
  const lines = summaries(rows, () => null)
  const rank = new Map(
    data.contenders.map(({ label, type, method }) => [
      label,
      (type === 'kernel' ? 0 : 2) + (method === 'sparse' ? 0 : 1),
    ]),
  )
  lines.sort((a, b) => rank.get(a.label)! - rank.get(b.label)! || (b.gflops ?? 0) - (a.gflops ?? 0))
  return lines.map(({ label }) => label)
}

function level(label: string, y: number): Guide {
  return { label, points: PERCENTS.map((x) => [x, y] as const) }
}

function rangeOf(series: readonly Series[]): [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (const { points } of series) for (const { x } of points) [low, high] = [Math.min(low, x), Math.max(high, x)]
  return [low / 1.15, high * 1.15]
}

function runNotes(matching: readonly PageRow[]): HTMLElement[] {
  const runs = [...new Set(matching.map(({ run }) => run))]
  const noted = runs.flatMap(({ path, notes }) => (notes.length === 0 ? [] : [`${path}: ${notes.join(', ')}.`]))
  const failed = matching.filter(({ median }) => median === null).length
  const fewest = matching.reduce(
    (least, { median, processes }) => (median === null ? least : Math.min(least, processes)),
    Infinity,
  )
  const lines = [
    ...noted,
    fewest < 5
      ? `As few as ${fewest} ${fewest === 1 ? 'process' : 'processes'} per contender: no headline figures, which need five.`
      : '',
    failed > 0 ? `${failed} of ${matching.length} records have no time; they stand in the table with the reason.` : '',
  ]
  return lines.filter((line) => line !== '').map((line) => el('p', {}, line))
}
