import type { PageData } from '../columns.ts'
import { significant } from '../format.ts'
import type { Address } from './address.ts'
import { type Axes, Chart } from './chart.ts'
import { controls, legend } from './controls.ts'
import type { PageRow } from './data.ts'
import { el, isAnchor, once, renew } from './dom.ts'
import { type Filters, fromHash, matches, toParameters } from './filters.ts'
import { type Mark, markOf } from './marks.ts'
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
import { scrollRegion } from './sheet.ts'
import { summaryTable } from './summary-table.ts'
import { RecordTable } from './table.ts'

/** A little more than 0 to 100, so that marks at the ends are whole. */
export const PERCENTS = [-2, 102] as const
export const formatPercent = (value: number) => `${Number(value.toFixed(1))} %`
const short = (value: number) => significant(value, 2)

const BY_SPARSITY = { xLabel: 'sparsity', xLog: 0, xRange: PERCENTS, formatX: formatPercent, fromZero: true } as const
export const SPEED_UP_AXES: Axes = {
  ...BY_SPARSITY,
  yLabel: 'times as fast as dense',
  yLog: 2,
  formatY: (value) => `${short(value)}x`,
}
const LIMIT_AXES: Axes = { ...BY_SPARSITY, yLabel: 'share of the limit', yLog: 0, formatY: formatPercent }
const ROOFLINE_AXES: Axes = {
  xLabel: 'FLOP per byte',
  yLabel: 'GFLOP/s',
  xLog: 10,
  yLog: 10,
  formatX: short,
  formatY: short,
  fromZero: false,
}

/** Kernels on one machine: speed-up, share of the limit, roofline, means, and every record. */
export function kernelsView(
  data: PageData,
  rows: readonly PageRow[],
  address: Address,
  open: (row: PageRow) => void,
): HTMLElement {
  const usual = rows.reduce((a, b) => (b.run.date > a.run.date ? b : a))
  const labels = orderedLabels(data, rows)
  const marks = new Map(labels.map((label, index) => [label, markOf(index)]))
  const mark = (label: string): Mark => marks.get(label)!
  const ranks = new Map(labels.map((label, index) => [label, index]))
  const inOrder = <T extends { label: string }>(list: T[]): T[] =>
    list.sort((a, b) => ranks.get(a.label)! - ranks.get(b.label)!)

  const shared = { markOf: mark, open, nameOf: ({ workload }: PageRow) => workload.id }
  const speedUp = new Chart({
    ...shared,
    title: 'Speed-up against sparsity',
    note: 'Over the fastest dense contender of the same platform, unless another one is chosen. Each mark is a workload, each line the geometric mean; below the dashed line dense is faster.',
    axes: SPEED_UP_AXES,
  })
  const limit = new Chart({
    ...shared,
    title: 'Share of the limit',
    note: 'The least time that the measured peak of the machine allows, over the time.',
    axes: LIMIT_AXES,
  })
  const roofline = new Chart({
    ...shared,
    title: 'Roofline',
    note: 'Operations really done per byte that must be moved; dashed, what the machine was measured to reach.',
    axes: ROOFLINE_AXES,
  })
  const charts = [speedUp, limit, roofline]
  const table = new RecordTable(mark, open)
  const [filterPlace, notePlace, legendPlace] = [el('div'), el('div', { class: 'notes' }), el('div')]
  const summaryPlace = scrollRegion('Means over what is shown')

  const defaults: Filters = {
    machine: usual.run.place,
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
    address.write('kernels', toParameters(filters))
    const matching = rows.filter((row) => matches(row, filters))
    const present = new Set(matching.map(({ contender }) => contender.label))
    const shown = matching.filter(({ contender }) => !filters.off.has(contender.label))
    const reader = speedUpReader(data, filters.against)

    notePlace.replaceChildren(...runNotes(matching))
    renew(
      legendPlace,
      legend(
        'Contenders',
        labels.filter((label) => present.has(label)),
        filters.off,
        mark,
        (off) => change({ off }),
      ),
    )
    const intensities = rooflineSeries(shown)
    speedUp.update({ series: inOrder(speedUpSeries(shown, reader)), guides: [level('dense', 1)] })
    limit.update({ series: inOrder(limitSeries(shown)), guides: [level('the limit', 100)] })
    roofline.update({ series: inOrder(intensities), guides: roofs(shown, rangeOf(intensities)) })
    summaryPlace.replaceChildren(summaryTable(inOrder(summaries(shown, reader)), mark, open))
    table.update(shown, reader)
  })
  const showControls = () => renew(filterPlace, controls(data, rows, filters, change))
  function change(part: Partial<Filters>): void {
    // Another machine or operation has other models and widths: what was chosen of the old ones would hide everything.
    const moved = part.machine !== undefined || part.operation !== undefined
    filters = { ...filters, ...(moved ? { model: '', pattern: '', n: '' } : {}), ...part }
    if (moved) {
      const of = rows.filter(({ run }) => run.place === filters.machine)
      if (!of.some(({ workload }) => workload.operation === filters.operation))
        filters.operation = of[0]!.workload.operation
      showControls()
    }
    show()
  }

  addEventListener('hashchange', () => {
    if (isAnchor(location.hash)) return
    filters = fromHash(location.hash, defaults)
    showControls()
    show()
  })
  showControls()
  show()
  return el(
    'section',
    { id: 'kernels' },
    el('h2', {}, 'Kernels'),
    filterPlace,
    notePlace,
    legendPlace,
    el('div', { class: 'charts' }, ...charts.map(({ element }) => element)),
    el('section', {}, el('h3', {}, 'Means over what is shown'), summaryPlace),
    table.element,
  )
}

/** Our sparse kernels first and the fastest of them at the head, so that they have the clearest colours in every view. */
function orderedLabels(data: PageData, rows: readonly PageRow[]): string[] {
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

export function level(label: string, y: number): Guide {
  return { label, points: PERCENTS.map((x) => [x, y] as const) }
}

function rangeOf(series: readonly Series<PageRow>[]): [number, number] {
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
